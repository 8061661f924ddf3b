-- The retry is of use where Ready is False: everything else goes on by itself.
local refused = false
for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Ready" and condition.status == "False" then
    refused = true
  end
end
return {
  retry = { displayName = "Look again, and try again", iconClass = "fa fa-fw fa-redo", disabled = not refused },
}
