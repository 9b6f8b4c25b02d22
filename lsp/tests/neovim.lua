-- Drives Neovim, 0.7 or later, through a spec. Ends with an exit code.
local function run()
  package.path = os.getenv("QNN_EDITOR") .. "/?.lua;" .. package.path
  local server = os.getenv("QNN_LSP")
  require("qnn").setup({ cmd = { server, "--stdio", "--no-cache" } })
  vim.cmd("edit " .. os.getenv("QNN_SPEC"))
  local buffer = vim.api.nvim_get_current_buf()
  local function wait(what, holds)
    assert(vim.wait(20000, holds, 20), what .. " was waited for in vain; diagnostics: " .. vim.inspect(vim.diagnostic.get(buffer)))
  end
  local function diagnostic(source)
    for _, found in ipairs(vim.diagnostic.get(buffer)) do
      if found.source == source then
        return found
      end
    end
  end
  wait("the violation", function()
    return diagnostic("qnn verify") ~= nil
  end)
  assert(diagnostic("qnn verify").lnum == 14, "it stands at its property")
  local status = require("qnn").status[vim.uri_from_bufnr(buffer)]
  wait("the verdicts", function()
    return status.counts.proved == 5 and status.counts.violated == 1
  end)
  -- A syntax error, and its end.
  vim.api.nvim_buf_set_lines(buffer, 0, 1, false, { "type Coord = = ufixed<4, 2>;" })
  wait("the syntax error", function()
    return diagnostic("qnn") ~= nil
  end)
  vim.api.nvim_buf_set_lines(buffer, 0, 1, false, { "type Coord = ufixed<4, 2>;" })
  wait("its end", function()
    return diagnostic("qnn") == nil and diagnostic("qnn verify") ~= nil
  end)
  -- Hover.
  local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = 14, character = 10 } }
  local answers = vim.lsp.buf_request_sync(buffer, "textDocument/hover", params, 10000)
  local text = vim.inspect(answers)
  assert(text:find("replayed bit for bit", 1, true), text)
  -- The commands.
  vim.api.nvim_win_set_cursor(0, { 15, 10 })
  vim.cmd("QnnVerify")
  vim.cmd("QnnVerify!")
  vim.cmd("QnnCancel")
  vim.cmd("QnnCounterexample")
  wait("the counterexample", function()
    local first = vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]
    return first == "never_below: violated"
  end)
end

local fine, problem = pcall(run)
if fine then
  print("all is well")
  vim.cmd("qall!")
else
  print(problem)
  vim.cmd("cquit")
end
