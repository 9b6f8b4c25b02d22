-- Neovim 0.11 and later: copy this to ~/.config/nvim/lsp/qnn.lua and write `vim.lsp.enable("qnn")` into init.lua.
return {
  cmd = { "qnn-lsp", "--stdio" },
  filetypes = { "qnn" },
  root_markers = { ".git" },
}
