;;; Drives Emacs with eglot through a spec, in batch mode. -*- lexical-binding: t; -*-

(require 'package)
(package-initialize)
(require 'eglot)

(defun wait (what holds)
  "Wait until HOLDS returns non-nil; WHAT is said if it never does."
  (let ((end (+ (float-time) 60)))
    (while (not (funcall holds))
      (when (> (float-time) end)
        (error "%s was waited for in vain; diagnostics: %S" what (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))
      (accept-process-output nil 0.05)
      (flymake-start))))

(defun says (text)
  "Whether a diagnostic of this buffer holds TEXT."
  (seq-some (lambda (found) (string-match-p (regexp-quote text) (flymake-diagnostic-text found)))
            (flymake-diagnostics)))

(condition-case problem
    (let ((eglot-sync-connect 60) (eglot-connect-timeout 60) (eglot-autoshutdown nil))
      (add-to-list 'load-path (getenv "QNN_EDITOR"))
      (require 'qnn-mode)
      (find-file (getenv "QNN_SPEC"))
      (unless (eq major-mode 'qnn-mode) (error "The mode is %s" major-mode))
      (font-lock-ensure)
      (goto-char (point-min))
      (search-forward "network side")
      (unless (eq (get-text-property (1- (point)) 'face) 'font-lock-function-name-face)
        (error "The network's name has the face %S" (get-text-property (1- (point)) 'face)))
      (search-backward "/// ")
      (unless (memq (get-text-property (+ 4 (point)) 'face) '(font-lock-comment-face font-lock-doc-face))
        (error "A comment has the face %S" (get-text-property (+ 4 (point)) 'face)))
      ;; The entry that the mode has added, with this very server.
      (setcdr (assq 'qnn-mode eglot-server-programs) (list (getenv "QNN_LSP") "--stdio" "--no-cache"))
      (apply #'eglot (eglot--guess-contact))
      (wait "the violation" (lambda () (says "never_below")))
      ;; A syntax error, and its end.
      (goto-char (point-min))
      (insert "type = ;\n")
      (eglot--signal-textDocument/didChange)
      (wait "the syntax error" (lambda () (seq-some (lambda (d) (= (flymake-diagnostic-beg d) 6)) (flymake-diagnostics))))
      (delete-region (point-min) (line-beginning-position))
      (eglot--signal-textDocument/didChange)
      (wait "its end" (lambda () (and (says "never_below") (= 1 (length (flymake-diagnostics))))))
      ;; The commands.
      (qnn-verify-all)
      (qnn-cancel)
      (qnn-show-counterexample "never_below")
      (with-current-buffer "*qnn counterexample*"
        (goto-char (point-min))
        (search-forward "never_below: violated"))
      (eglot-shutdown-all)
      (message "all is well")
      (kill-emacs 0))
  (error
   (message "%s" (error-message-string problem))
   (kill-emacs 1)))
