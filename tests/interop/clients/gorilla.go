// Go's github.com/gorilla/websocket.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

type task struct {
	URL, CA   string
	Protocols []string
	Compress  bool
	Do        []map[string]json.RawMessage
}

type facts map[string]interface{}

// A connection; what it reads comes through the channels, the end last of all.
type session struct {
	conn     *websocket.Conn
	messages chan facts
	pongs    chan string
	over     chan *websocket.CloseError
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func text(raw json.RawMessage) (s string) {
	must(json.Unmarshal(raw, &s))
	return
}

func (s *session) read() {
	for {
		kind, data, err := s.conn.ReadMessage()
		if err != nil {
			over, ok := err.(*websocket.CloseError)
			if !ok {
				over = &websocket.CloseError{
					Code: websocket.CloseAbnormalClosure}
			}
			close(s.messages)
			close(s.pongs)
			s.over <- over
			return
		}
		if kind == websocket.TextMessage {
			s.messages <- facts{"text": string(data)}
		} else {
			s.messages <- facts{"binary": data} // in base64
		}
	}
}

// Part by part: a writer's buffer goes out as a frame when it is full.
func (s *session) fragments(raw json.RawMessage) {
	var parts []string

	must(json.Unmarshal(raw, &parts))
	w, err := s.conn.NextWriter(websocket.TextMessage)
	must(err)
	for _, part := range parts {
		_, err := w.Write([]byte(part))
		must(err)
	}
	must(w.Close())
}

func (s *session) closing(raw json.RawMessage) {
	var words []interface{}

	must(json.Unmarshal(raw, &words))
	must(s.conn.WriteControl(websocket.CloseMessage,
		websocket.FormatCloseMessage(int(words[0].(float64)),
			words[1].(string)), time.Now().Add(time.Second)))
}

func (s *session) act(what string, value json.RawMessage) {
	switch what {
	case "text", "say":
		_ = s.conn.WriteMessage(websocket.TextMessage, []byte(text(value)))
	case "binary":
		data, err := base64.StdEncoding.DecodeString(text(value))
		must(err)
		_ = s.conn.WriteMessage(websocket.BinaryMessage, data)
	case "fragments":
		s.fragments(value)
	case "ping":
		must(s.conn.WriteControl(websocket.PingMessage,
			[]byte(text(value)), time.Now().Add(time.Second)))
	case "close":
		s.closing(value)
	case "vanish":
		s.conn.Close()
	}
}

func (s *session) steps(do []map[string]json.RawMessage) facts {
	got := facts{}
	messages, pongs := []facts{}, []string{}

	for _, step := range do {
		for what, value := range step {
			s.act(what, value)
			switch what {
			case "text", "binary", "fragments", "receive":
				if m, open := <-s.messages; open {
					messages = append(messages, m)
				}
			case "ping":
				if p, open := <-s.pongs; open {
					pongs = append(pongs, p)
				}
			case "close", "end", "vanish":
				over := <-s.over
				got["code"], got["reason"] = over.Code, over.Text
				got["clean"] = over.Code != websocket.CloseAbnormalClosure
			}
		}
	}
	s.conn.Close()
	got["messages"], got["pongs"] = messages, pongs
	return got
}

func trust(ca string) *tls.Config {
	if ca == "" {
		return nil
	}
	pem, err := os.ReadFile(ca)
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool}
}

func call(t task) facts {
	d := websocket.Dialer{
		Subprotocols:      t.Protocols,
		EnableCompression: t.Compress,
		TLSClientConfig:   trust(t.CA),
		WriteBufferSize:   16,
	}
	conn, answer, err := d.Dial(t.URL, nil)
	if err != nil && answer != nil {
		return facts{"refused": err.Error() + ": " + answer.Status}
	}
	if err != nil {
		return facts{"refused": err.Error()}
	}
	s := &session{conn, make(chan facts, 8), make(chan string, 8),
		make(chan *websocket.CloseError, 1)}
	conn.SetPongHandler(func(data string) error {
		s.pongs <- data
		return nil
	})
	go s.read()
	got := s.steps(t.Do)
	got["protocol"] = conn.Subprotocol()
	got["extensions"] = answer.Header.Get("Sec-WebSocket-Extensions")
	return got
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)

	fmt.Println("ready")
	for {
		var t task

		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		must(json.Unmarshal(line, &t))
		must(out.Encode(call(t)))
	}
}
