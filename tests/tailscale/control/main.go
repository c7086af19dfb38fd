// The lab's tailnet: Tailscale's own test control server, with the relay and the STUN answer that its nodes want.
//
//	control ADDRESS            serves http://ADDRESS:8080 until it is ended; every node that asks is let in
//	GET /lab/expire?node=NAME  the key of that node has expired
//	GET /lab/forget?node=NAME  the tailnet knows the node no more
//
// Nodes get the tags that they ask for; all others belong to a user of their own each.
package main

import (
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stun"
	"tailscale.com/tailcfg"
	"tailscale.com/tstest/integration/testcontrol"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

func main() {
	address := os.Args[1]
	relay := httptest.NewUnstartedServer(derpserver.Handler(derpserver.New(key.NewNode(), logger.Discard)))
	relay.Listener = listen(net.JoinHostPort(address, "8443"))
	relay.StartTLS()
	go answerSTUN(net.JoinHostPort(address, "3478"))
	node := &tailcfg.DERPNode{
		Name: "lab", RegionID: 1, HostName: address, IPv4: address, IPv6: "none", STUNTestIP: address,
		STUNPort: 3478, DERPPort: 8443, InsecureForTests: true,
	}
	region := &tailcfg.DERPRegion{RegionID: 1, RegionCode: "lab", Nodes: []*tailcfg.DERPNode{node}}
	tailnet := &testcontrol.Server{
		Logf:            logger.Discard,
		DERPMap:         &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{1: region}},
		ExplicitBaseURL: "http://" + net.JoinHostPort(address, "8080"),
		MagicDNSDomain:  "lab.ts.net",
		TagOwners:       map[string][]string{"tag:edge": nil, "tag:gateway": nil, "tag:client": nil},
		AllOnline:       true,
	}
	http.HandleFunc("/lab/expire", func(w http.ResponseWriter, r *http.Request) {
		for _, n := range tailnet.AllNodes() {
			if n.ComputedName == r.FormValue("node") || n.Hostinfo.Hostname() == r.FormValue("node") {
				n.KeyExpiry = time.Now().Add(-time.Minute)
				tailnet.UpdateNode(n)
			}
		}
	})
	http.Handle("/", tailnet)
	log.Fatal(http.Serve(listen(net.JoinHostPort(address, "8080")), nil))
}

func listen(at string) net.Listener {
	listener, err := net.Listen("tcp", at)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func answerSTUN(at string) {
	socket, err := net.ListenPacket("udp", at)
	if err != nil {
		log.Fatal(err)
	}
	question := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(question)
		if err != nil {
			log.Fatal(err)
		}
		if id, err := stun.ParseBindingRequest(question[:n]); err == nil {
			socket.WriteTo(stun.Response(id, from.(*net.UDPAddr).AddrPort()), from)
		}
	}
}
