-- Run by run.py in a folder with the large site: what people do in Neovim, without a screen.
local function fail(message)
  io.stderr:write(message .. "\n")
  vim.cmd("cquit 1")
end

local function check(holds, message)
  if not holds then
    fail(message)
  end
end

local function main()
  vim.cmd("edit large-site.presync")
  vim.bo.filetype = "presync"
  local buffer = vim.api.nvim_get_current_buf()
  local id = vim.lsp.start_client({
    name = "presync",
    cmd = { vim.env.PRESYNC, "lsp" },
    root_dir = vim.fn.getcwd(),
  })
  check(id, "the client does not start")
  vim.lsp.buf_attach_client(buffer, id)
  local client = vim.lsp.get_client_by_id(id)
  check(vim.wait(20000, function() return client.initialized end), "no answer to initialize")

  local function lines() return vim.api.nvim_buf_get_lines(buffer, 0, -1, false) end
  local function find(words)
    for number, line in ipairs(lines()) do
      local column = line:find(words, 1, true)
      if column then
        return { line = number - 1, character = column - 1 }
      end
    end
    fail("not there: " .. words)
  end
  local function ask(method, more)
    local parameters = vim.tbl_extend("force", { textDocument = { uri = vim.uri_from_bufnr(buffer) } }, more)
    local answers = vim.lsp.buf_request_sync(buffer, method, parameters, 20000)
    local answer = answers and answers[id]
    check(answer and not answer.err and not answer.error, method .. ": " .. vim.inspect(answer))
    return answer.result
  end

  -- See a problem, and see it go.
  local function problems() return #vim.diagnostic.get(buffer) end
  -- An answer says that it was checked.
  ask("textDocument/hover", { position = find("cic away") })
  check(problems() == 0, "the example has problems")
  local rule = find("cic away                -> lync Away")
  vim.api.nvim_buf_set_lines(buffer, rule.line, rule.line + 1, false, { "    cic away                -> lync Awya" })
  check(vim.wait(20000, function() return problems() > 0 end), "no problem is shown")
  local found = vim.diagnostic.get(buffer)[1]
  check(found.lnum == rule.line and found.message:find("did you mean `Away`", 1, true), vim.inspect(found))
  print("problem: " .. found.message:match("[^\n]*"))

  -- Complete a state.
  local items = ask("textDocument/completion", { position = { line = rule.line, character = 40 } })
  local labels = {}
  for _, item in ipairs(items.items) do labels[item.label] = item end
  check(labels["Be Right Back"] and not labels["At Lunch"], "completion: " .. vim.inspect(vim.tbl_keys(labels)))

  -- Apply a quick fix.
  local actions = ask("textDocument/codeAction", {
    range = { start = { line = rule.line, character = 36 }, ["end"] = { line = rule.line, character = 36 } },
    context = { diagnostics = {} },
  })
  local fix = vim.tbl_filter(function(action) return action.edit and action.title:find("^replace") end, actions)[1]
  check(fix, "no fix: " .. vim.inspect(actions))
  vim.lsp.util.apply_workspace_edit(fix.edit, client.offset_encoding)
  check(vim.wait(20000, function() return problems() == 0 end), "the fix does not help")
  print("fixed: " .. fix.title)

  -- Hover.
  local hover = ask("textDocument/hover", { position = find("gone") })
  check(hover and hover.contents.value:find("group cic.gone", 1, true), vim.inspect(hover))

  -- Rename a group across files.
  local edit = ask("textDocument/rename", { position = find("gone"), newName = "elsewhere" })
  vim.lsp.util.apply_workspace_edit(edit, client.offset_encoding)
  vim.cmd("wall")
  -- Neovim does not say that the other file has changed on disk: the server looks for itself.
  vim.wait(3000, function() return problems() > 0 end)
  check(vim.wait(20000, function() return problems() == 0 end), "the rename leaves problems")

  -- Run a test, and show the table of a role.
  local function command(name, arguments)
    local answers = vim.lsp.buf_request_sync(buffer, "workspace/executeCommand", { command = name, arguments = { arguments } }, 20000)
    local answer = answers and answers[id]
    check(answer and not answer.err and not answer.error, name .. ": " .. vim.inspect(answer))
    return answer.result
  end
  local uri = vim.uri_from_bufnr(buffer)
  local result = command("presync.runTest", { uri = uri, name = "presence is followed" })
  check(result.passed, vim.inspect(result))
  print("test: " .. result.summary)
  local shown = command("presync.showTable", { uri = uri, role = "Back Office" })
  local text = table.concat(vim.fn.readfile(vim.uri_to_fname(shown.uri)), "\n")
  check(text:find("cic → lync", 1, true), text)

  -- Format.
  vim.api.nvim_buf_set_lines(buffer, 0, 0, false, { "flag   never" })
  local edits = ask("textDocument/formatting", { options = { tabSize = 4, insertSpaces = true } })
  vim.lsp.util.apply_text_edits(edits, buffer, client.offset_encoding)
  check(lines()[1] == "flag never", "formatting: " .. lines()[1])
  vim.lsp.stop_client(id)
end

local passed, why = xpcall(main, debug.traceback)
if not passed then
  fail(why)
end
vim.cmd("qall!")
