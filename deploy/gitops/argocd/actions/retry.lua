-- Permits another try of what failed before now, as `kubectl annotate` would. Git holds no such annotation, so no sync removes it.
local os = require("os")
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["eksupgrade.dev/retry-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
