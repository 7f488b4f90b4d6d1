// github.com/tmaxmax/go-sse
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tmaxmax/go-sse"
)

func main() {
	request, _ := http.NewRequest(http.MethodGet, os.Args[1], http.NoBody)
	connection := sse.NewConnection(request)
	connection.SubscribeEvent("comment", func(event sse.Event) {
		fmt.Println(time.Now().UnixMilli(), event.Data)
	})
	fmt.Fprintln(os.Stderr, connection.Connect())
}
