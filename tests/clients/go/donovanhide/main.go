// github.com/donovanhide/eventsource
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/donovanhide/eventsource"
)

func main() {
	stream, err := eventsource.Subscribe(os.Args[1], "")
	if err != nil {
		panic(err)
	}
	for {
		select {
		case event := <-stream.Events:
			if event.Event() == "comment" {
				fmt.Println(time.Now().UnixMilli(), event.Data())
			}
		case err := <-stream.Errors:
			fmt.Fprintln(os.Stderr, err)
		}
	}
}
