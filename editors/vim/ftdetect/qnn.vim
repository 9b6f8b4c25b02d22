autocmd BufRead,BufNewFile *.qnn setfiletype qnn
