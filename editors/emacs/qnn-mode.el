;;; qnn-mode.el --- Major mode for qnn specs -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "26.1"))

;;; Commentary:

;; Highlighting, comments, and the language server `qnn-lsp' through eglot or lsp-mode.

;;; Code:

(require 'prog-mode)

(defvar qnn-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?/ ". 12" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "w" table)
    (modify-syntax-entry ?\" "\"" table)
    table)
  "Syntax of specs: `//' begins a comment, names may hold `_'.")

(defconst qnn-mode-font-lock-keywords
  (list
   (cons (regexp-opt '("type" "enum" "const" "dataset" "network" "params" "let" "def" "property" "find" "measure" "forall"
                       "exists" "where" "in" "and" "or" "not" "as" "use" "maximize" "minimize" "largest" "such" "that"
                       "over" "within" "share" "of" "average" "from" "raw" "lsb" "import")
                     'words)
         'font-lock-keyword-face)
   (cons (regexp-opt '("true" "false") 'words) 'font-lock-constant-face)
   (cons (regexp-opt '("fixed" "ufixed" "int" "uint" "affine" "class" "bool" "real" "acc") 'words) 'font-lock-type-face)
   '("\\<\\(network\\|def\\|property\\|find\\|measure\\)\\s-+\\(\\w+\\)" 2 font-lock-function-name-face)
   '("\\<\\(type\\|enum\\)\\s-+\\(\\w+\\)" 2 font-lock-type-face)
   '("\\<[0-9][0-9_]*\\(\\.[0-9_]+\\)?\\([eE][-+]?[0-9]+\\)?" . font-lock-constant-face)
   '("#\\[[^]]*\\]" . font-lock-preprocessor-face))
  "What is highlighted in specs.")

;;;###autoload
(define-derived-mode qnn-mode prog-mode "qnn"
  "Major mode for specs of quantized neural networks."
  (setq-local comment-start "// ")
  (setq-local comment-end "")
  (setq-local comment-start-skip "//+!?\\s-*")
  (setq-local font-lock-defaults '(qnn-mode-font-lock-keywords))
  (setq-local indent-tabs-mode nil)
  (setq-local tab-width 4))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.qnn\\'" . qnn-mode))

(with-eval-after-load 'eglot
  (defvar eglot-server-programs)
  (add-to-list 'eglot-server-programs '(qnn-mode . ("qnn-lsp" "--stdio"))))

(with-eval-after-load 'lsp-mode
  (defvar lsp-language-id-configuration)
  (add-to-list 'lsp-language-id-configuration '(qnn-mode . "qnn"))
  (when (and (fboundp 'lsp-register-client) (fboundp 'make-lsp-client) (fboundp 'lsp-stdio-connection))
    (lsp-register-client
     (make-lsp-client :new-connection (lsp-stdio-connection '("qnn-lsp" "--stdio"))
                      :major-modes '(qnn-mode)
                      :notification-handlers
                      (let ((handlers (make-hash-table :test 'equal)))
                        ;; Lenses and diagnostics say the same.
                        (puthash "qnn/verificationStatus" #'ignore handlers)
                        handlers)
                      :server-id 'qnn-lsp))))

(with-eval-after-load 'eglot
  (when (fboundp 'cl-defmethod)
    (eval '(cl-defmethod eglot-handle-notification (_server (_method (eql qnn/verificationStatus)) &rest _)
             "Diagnostics and hints say the same to those who don't show statuses."
             nil)
          t)))

(declare-function eglot-current-server "eglot")
(declare-function jsonrpc-request "jsonrpc")

(defun qnn--execute (command argument)
  "Have the server execute COMMAND with ARGUMENT, a property list."
  (let ((server (and (fboundp 'eglot-current-server) (eglot-current-server))))
    (unless server (user-error "The server qnn-lsp is not connected"))
    (jsonrpc-request server :workspace/executeCommand (list :command command :arguments (vector argument)))))

(defun qnn--uri ()
  "The URI of this buffer's file."
  (concat "file://" (url-encode-url (expand-file-name (buffer-file-name)))))

(defun qnn-verify-all ()
  "Verify all properties of this file that have no current verdict."
  (interactive)
  (qnn--execute "qnn.verifyAll" (list :uri (qnn--uri))))

(defun qnn-cancel ()
  "Cancel what is being verified in this file."
  (interactive)
  (qnn--execute "qnn.cancel" (list :uri (qnn--uri))))

(defun qnn-show-counterexample (property)
  "Show the first counterexample of PROPERTY."
  (interactive (list (read-string "Property: " (thing-at-point 'symbol t))))
  (let ((shown (qnn--execute "qnn.showCounterexample" (list :uri (qnn--uri) :property property))))
    (if (not shown)
        (message "There is no counterexample of %s" property)
      (with-help-window "*qnn counterexample*"
        (princ (plist-get shown :text))))))

(provide 'qnn-mode)

;;; qnn-mode.el ends here
