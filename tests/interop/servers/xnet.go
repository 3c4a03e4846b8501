// Go's golang.org/x/net/websocket, in its usual way: a client may offer the one
// subprotocol that is spoken here, or none. It reads frames, not messages.
//
// cannot: big whole orders compress
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

type message struct {
	kind byte
	data []byte
}

// A message with its type, which the package's own codecs do not tell.
var typed = websocket.Codec{
	Marshal: func(v interface{}) ([]byte, byte, error) {
		m := v.(*message)
		return m.data, m.kind, nil
	},
	Unmarshal: func(data []byte, kind byte, v interface{}) error {
		*v.(*message) = message{kind, data}
		return nil
	},
}

func echo(ws *websocket.Conn) {
	var m message
	for typed.Receive(ws, &m) == nil {
		if typed.Send(ws, &m) != nil {
			return
		}
	}
}

func choose(config *websocket.Config, _ *http.Request) error {
	for _, name := range config.Protocol {
		if name == "chat" {
			config.Protocol = []string{name}
			return nil
		}
	}
	if len(config.Protocol) > 0 {
		return errors.New("not spoken here")
	}
	return nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("ws://%s/\n", listener.Addr())
	go func() {
		panic(http.Serve(listener,
			websocket.Server{Handshake: choose, Handler: echo}))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
