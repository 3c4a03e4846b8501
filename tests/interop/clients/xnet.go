// Go's golang.org/x/net/websocket, which knows nothing of codes.
//
// options: --origin=http://localhost
// cannot: big fragments ping close code abrupt vanish compress tls status
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/net/websocket"
)

type task struct {
	URL       string
	Protocols []string
	Do        []map[string]json.RawMessage
}

type facts map[string]interface{}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A message with its type, which the package's own codecs do not tell.
var typed = websocket.Codec{
	Unmarshal: func(data []byte, kind byte, v interface{}) error {
		got := v.(*facts)
		if kind == websocket.TextFrame {
			*got = facts{"text": string(data)}
		} else {
			*got = facts{"binary": data} // in base64
		}
		return nil
	},
}

func send(ws *websocket.Conn, what string, value json.RawMessage) {
	var text string

	if what != "text" && what != "say" && what != "binary" {
		return
	}
	must(json.Unmarshal(value, &text))
	if what == "binary" {
		data, err := base64.StdEncoding.DecodeString(text)
		must(err)
		must(websocket.Message.Send(ws, data))
	} else {
		must(websocket.Message.Send(ws, text))
	}
}

func call(t task) facts {
	config, err := websocket.NewConfig(t.URL, "http://localhost")
	must(err)
	config.Protocol = t.Protocols
	ws, err := websocket.DialConfig(config)
	if err != nil {
		return facts{"refused": err.Error()}
	}
	defer ws.Close()
	ws.MaxPayloadBytes = 64 << 20
	messages := []facts{}
	for _, step := range t.Do {
		for what, value := range step {
			send(ws, what, value)
			if what == "text" || what == "binary" || what == "receive" {
				var got facts
				must(typed.Receive(ws, &got))
				messages = append(messages, got)
			}
		}
	}
	return facts{"messages": messages, "pongs": []string{}, "protocol": "",
		"code": 1000, "reason": "", "clean": true}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	fmt.Println("ready")
	for in.Scan() {
		var t task
		must(json.Unmarshal(in.Bytes(), &t))
		must(json.NewEncoder(os.Stdout).Encode(call(t)))
	}
}
