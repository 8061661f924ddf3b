-- What Argo CD makes of a ClusterUpgrade. docs/gitops.md has the table; `make docs` puts this file into argocd-cm.yaml.
-- Argo CD runs it without the libraries string, math and io.

-- Nothing is wrong and nothing runs: people or time have to come round. As a kind of waiting, Argo CD shows it apart.
local waits_for_people_or_time = {
  Suspended = true,
  Held = true,
  Frozen = true,
  OutsideWindow = true,
  Baking = true,
}

local status = obj.status or {}

-- What is said of an older generation says nothing of this one. The CRD gives new objects -1.
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The operator has not looked at this generation of the object yet." }
end

for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    local health = "Progressing"
    if condition.status == "True" then
      health = "Healthy"
    elseif condition.status == "False" then
      health = "Degraded"
    elseif waits_for_people_or_time[condition.reason] then
      health = "Suspended"
    end
    return { status = health, message = condition.message }
  end
end

return { status = "Progressing", message = "The operator has said nothing about this object yet." }
