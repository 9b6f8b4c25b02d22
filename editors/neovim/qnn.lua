-- The language server of qnn in Neovim 0.7 and later. See README.md beside this file.
local M = {}

local defaults = {
  cmd = { "qnn-lsp", "--stdio" },
  settings = {},
  keys = true,
}

-- The root of a spec's workspace: a folder with .git, else the spec's own.
local function root(path)
  local folder = vim.fn.fnamemodify(path, ":p:h")
  local git = vim.fn.finddir(".git", folder .. ";")
  if git ~= "" then
    return vim.fn.fnamemodify(git, ":p:h:h")
  end
  return folder
end

local function clients(buffer)
  if vim.lsp.get_clients then
    return vim.lsp.get_clients({ bufnr = buffer, name = "qnn" })
  end
  local found = {}
  for _, client in pairs(vim.lsp.buf_get_clients(buffer)) do
    if client.name == "qnn" then
      table.insert(found, client)
    end
  end
  return found
end

-- The last status that the server told of each document.
M.status = {}

local function on_status(_, params)
  local known = M.status[params.uri]
  if params.complete or not known then
    M.status[params.uri] = params
    return
  end
  known.counts, known.active = params.counts, params.active
  for _, property in ipairs(params.properties) do
    for index, old in ipairs(known.properties) do
      if old.name == property.name then
        local instances = old.instances
        for _, new in ipairs(property.instances) do
          for place, instance in ipairs(instances) do
            if instance.name == new.name then
              instances[place] = new
            end
          end
        end
        property.instances = instances
        known.properties[index] = property
      end
    end
  end
end

-- The property that the cursor stands in.
local function property_here(uri)
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  local status = M.status[uri]
  for _, property in ipairs(status and status.properties or {}) do
    if property.itemRange.start.line <= line and line <= property.itemRange["end"].line then
      return property.name
    end
  end
end

local function execute(buffer, command, argument, done)
  for _, client in ipairs(clients(buffer)) do
    client.request("workspace/executeCommand", { command = command, arguments = { argument } }, function(problem, result)
      if problem then
        vim.notify(problem.message, vim.log.levels.ERROR)
      elseif done then
        done(result)
      end
    end, buffer)
    return
  end
  vim.notify("qnn-lsp is not attached", vim.log.levels.WARN)
end

-- Shows a text in a window of its own.
local function show(text)
  vim.cmd("new")
  local buffer = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, "\n"))
  vim.bo[buffer].buftype = "nofile"
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].modifiable = false
end

local function attach(_, buffer, options)
  local uri = vim.uri_from_bufnr(buffer)
  local function command(name, attributes, run)
    vim.api.nvim_buf_create_user_command(buffer, name, run, attributes)
  end
  command("QnnVerify", { bang = true }, function(arguments)
    local property = nil
    if not arguments.bang then
      property = property_here(uri)
      if not property then
        vim.notify("no property stands under the cursor; :QnnVerify! verifies all of them", vim.log.levels.WARN)
        return
      end
    end
    execute(buffer, "qnn.verify", { uri = uri, property = property })
  end)
  command("QnnCancel", {}, function()
    execute(buffer, "qnn.cancel", { uri = uri })
  end)
  command("QnnCounterexample", {}, function()
    execute(buffer, "qnn.showCounterexample", { uri = uri, property = property_here(uri) }, function(shown)
      if shown and shown ~= vim.NIL then
        show(shown.text)
      else
        vim.notify("there is no counterexample")
      end
    end)
  end)
  if options.keys then
    local function map(keys, run)
      vim.keymap.set("n", keys, run, { buffer = buffer, silent = true })
    end
    map("K", vim.lsp.buf.hover)
    map("gd", vim.lsp.buf.definition)
    map("gr", vim.lsp.buf.references)
    map("<leader>rn", vim.lsp.buf.rename)
    map("<leader>ca", vim.lsp.buf.code_action)
    map("<leader>cl", vim.lsp.codelens.run)
  end
  if vim.lsp.inlay_hint and vim.lsp.inlay_hint.enable then
    pcall(vim.lsp.inlay_hint.enable, true, { bufnr = buffer })
  end
  -- The server asks for a refresh where the version understands it; older ones ask now and then.
  vim.api.nvim_create_autocmd({ "BufEnter", "CursorHold", "InsertLeave", "BufWritePost" }, {
    buffer = buffer,
    callback = function()
      pcall(vim.lsp.codelens.refresh)
    end,
  })
end

function M.setup(given)
  local options = vim.tbl_deep_extend("force", defaults, given or {})
  local function start(buffer)
    local path = vim.api.nvim_buf_get_name(buffer)
    local initial = vim.tbl_extend("force", options.settings, { clientShowsCounterexamples = true })
    if vim.tbl_isempty(options.settings) then
      initial = { clientShowsCounterexamples = true }
    end
    local config = {
      name = "qnn",
      cmd = options.cmd,
      root_dir = root(path),
      init_options = initial,
      settings = { qnn = options.settings },
      handlers = { ["qnn/verificationStatus"] = function(problem, params)
        on_status(problem, params)
      end },
      on_attach = function(client, attached)
        attach(client, attached, options)
      end,
    }
    if vim.lsp.start then
      vim.lsp.start(config, { bufnr = buffer })
      return
    end
    -- Neovim 0.7: one client for each root.
    M.started = M.started or {}
    local id = M.started[config.root_dir]
    if not id or vim.lsp.client_is_stopped(id) then
      id = vim.lsp.start_client(config)
      M.started[config.root_dir] = id
    end
    if id then
      vim.lsp.buf_attach_client(buffer, id)
    end
  end
  vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
    pattern = "*.qnn",
    callback = function(event)
      local buffer = event and event.buf or vim.api.nvim_get_current_buf()
      vim.bo[buffer].filetype = "qnn"
      vim.bo[buffer].commentstring = "// %s"
      start(buffer)
    end,
  })
end

return M
