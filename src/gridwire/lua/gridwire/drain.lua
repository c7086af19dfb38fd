-- Which endpoints may be given a new request. What is already on an endpoint, WebSockets above all, stays there.
local _M = {}

-- Drained, without weight, or found down by the gateway's own checks: never. Unknown is a last resort (balance.lua).
function _M.takes_new(endpoint)
    return not endpoint.drained and endpoint.weight > 0 and endpoint.health ~= "down"
end

return _M
