// Go's github.com/gorilla/websocket.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// A small buffer: a message of more than it holds goes out in fragments.
var upgrader = websocket.Upgrader{
	EnableCompression: true,
	WriteBufferSize:   4096,
}

// How the guest before this one has left.
var last = make(chan string, 1)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func control(conn *websocket.Conn, kind int, data []byte) {
	_ = conn.WriteControl(kind, data, time.Now().Add(time.Second))
}

func send(conn *websocket.Conn, text string) {
	_ = conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func fragments(conn *websocket.Conn, parts []string) {
	w, err := conn.NextWriter(websocket.TextMessage)
	must(err)
	for _, part := range parts {
		_, err := w.Write([]byte(part))
		must(err)
	}
	must(w.Close())
}

func obey(conn *websocket.Conn, words []string) {
	switch words[0] {
	case "last":
		send(conn, <-last)
	case "fragments":
		fragments(conn, words[1:])
	case "ping":
		control(conn, websocket.PingMessage, []byte(words[1]))
	case "vanish":
		conn.Close()
	case "close":
		code, err := strconv.Atoi(words[1])
		must(err)
		control(conn, websocket.CloseMessage,
			websocket.FormatCloseMessage(code, strings.Join(words[2:], " ")))
	}
}

func note(err error) {
	text := "1006 "
	if over, ok := err.(*websocket.CloseError); ok {
		text = fmt.Sprintf("%d %s", over.Code, over.Text)
	}
	select {
	case <-last:
	default:
	}
	last <- text
}

func welcome(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetPongHandler(func(data string) error {
		send(conn, "pong "+data)
		return nil
	})
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			note(err)
			return
		}
		if kind == websocket.TextMessage &&
			strings.HasPrefix(string(data), "/") {
			obey(conn, strings.Split(string(data[1:]), " "))
		} else {
			_ = conn.WriteMessage(kind, data)
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("ws://%s/\n", listener.Addr())
	go func() {
		must(http.Serve(listener, http.HandlerFunc(welcome)))
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
