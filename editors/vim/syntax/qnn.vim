" Syntax highlighting of qnn specs.
if exists('b:current_syntax')
  finish
endif

syntax keyword qnnItem type enum const dataset network params def property find measure use
syntax keyword qnnKeyword let forall exists where in as maximize minimize largest such that over within share of average from raw lsb import tensor column packed
syntax keyword qnnOperator and or not
syntax keyword qnnBoolean true false
syntax keyword qnnType fixed ufixed int uint affine class bool real acc
syntax keyword qnnFunction dense conv2d conv1d max_pool2d max_pool1d avg_pool2d avg_pool1d pad relu clamp leaky_relu relu6 hard_sigmoid sign hard_swish sigmoid tanh lookup batch_norm add flatten reshape transpose concat abs min max minimum maximum sum mean argmax strict_argmax softmax len ball
syntax match qnnNumber /\<\d[0-9_]*\(\.\d[0-9_]*\)\?\([eE][+-]\?\d\+\)\?\>/
syntax region qnnString start=/"/ skip=/\\./ end=/"/ oneline
syntax region qnnAttribute start=/#\[/ end=/\]/ oneline
syntax match qnnComment +//.*$+ contains=qnnTodo
syntax match qnnDoc +///.*$\|//!.*$+
syntax keyword qnnTodo contained TODO FIXME

highlight default link qnnItem Structure
highlight default link qnnKeyword Keyword
highlight default link qnnOperator Operator
highlight default link qnnBoolean Boolean
highlight default link qnnType Type
highlight default link qnnFunction Function
highlight default link qnnNumber Number
highlight default link qnnString String
highlight default link qnnAttribute PreProc
highlight default link qnnComment Comment
highlight default link qnnDoc SpecialComment
highlight default link qnnTodo Todo

let b:current_syntax = 'qnn'
