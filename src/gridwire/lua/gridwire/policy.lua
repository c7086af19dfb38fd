-- Who may use a route. A route without a grant lets nobody in.
local _M = {}

-- `peer`: $binary_remote_addr, the one thing that WireGuard vouches for.
function _M.allows(route, peer)
    local grant = route.grant
    return grant ~= nil and grant[peer] == true
end

return _M
