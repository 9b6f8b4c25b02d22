; What is highlighted. Later patterns win in Neovim and Zed, as they are more special.

(comment) @comment
((comment) @comment.documentation (#match? @comment.documentation "^//[/!]"))

(number) @number
(boolean) @boolean
(string) @string
(glob) @string.special

["use" "type" "enum" "const" "dataset" "params" "network" "def" "property" "find" "measure" "let" "import"] @keyword
["forall" "exists" "where" "maximize" "minimize" "largest" "such" "that" "over" "within" "share" "of" "average" "from" "tensor" "column" "raw" "packed" "as" "lsb"] @keyword
["and" "or" "not" "in"] @keyword.operator
["=>" "==" "!=" "<=" ">=" "+" "-" "*" "/" ".." "..=" "=" "->"] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ";" ":" "."] @punctuation.delimiter

(type name: (name) @type)
(type_definition name: (name) @type)
(enum name: (name) @type)
(variant name: (name) @constant)
(const name: (name) @constant)
(generic_names (name) @variable.parameter)
(named_argument name: (name) @variable.parameter)
(argument name: (name) @variable.parameter)
(parameter name: (name) @variable.parameter)
(family_parameter name: (name) @variable.parameter)
(binder name: (name) @variable.parameter)
(field name: (name) @property)
(dataset_field name: (name) @property)

(network name: (name) @function)
(import name: (name) @function)
(import_option name: (name) @variable.parameter)
(type_member name: (name) @property)
(definition name: (name) @function)
(property name: (name) @function)
(find name: (name) @function)
(measure name: (name) @function)
(call function: (name) @function)

(attribute "#" @attribute name: (name) @attribute)
