-- Which certificate a client is shown, by the name that it asks for (SNI). The document names files; each worker reads
-- them itself, so that no key is in shared memory, or goes through the door.
local ssl = require "ngx.ssl"
local data = require "gridwire.data"
local reason = require "gridwire.reason"
local served = data.served

local _M = {}

-- In access_by_lua's place for TLS: without a certificate the handshake ends.
function _M.show()
    if served.resting then data.look() end
    local certificates = served.certificates
    if not certificates then return ngx.exit(ngx.ERROR) end
    local name = ssl.server_name()
    local pair = certificates.default
    if name then
        name = name:lower()
        local hosts = certificates.hosts
        pair = hosts[name] or hosts["*" .. (name:match("%..*$") or "")] or pair
    end
    if not pair then return ngx.exit(ngx.ERROR) end
    assert(ssl.clear_certs())
    assert(ssl.set_cert(pair.chain))
    assert(ssl.set_priv_key(pair.key))
end

-- A request in the clear, where TLS is spoken.
function _M.plain()
    return reason.answer(400, "tls-wanted")
end

-- The authority's certificate, for whoever reaches the port: to be trusted on a device, after a look at its digest.
function _M.authority()
    if served.resting then data.look() end
    local pem = served.certificates and served.certificates.authority
    if not pem or pem == "" then return reason.answer(404, "no-authority") end
    ngx.header["Content-Type"] = "application/x-x509-ca-cert"
    ngx.header["Content-Disposition"] = 'attachment; filename="gridwire-ca.pem"'
    ngx.header["Cache-Control"] = "no-cache"
    ngx.header["Content-Length"] = #pem
    ngx.print(pem)
end

return _M
