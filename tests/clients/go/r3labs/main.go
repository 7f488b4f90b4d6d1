// github.com/r3labs/sse/v2. With `loop`: an end and 15 minutes of life do not stop it.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

func main() {
	client := sse.NewClient(os.Args[1])
	loop := len(os.Args) > 2
	if loop {
		forever := backoff.NewExponentialBackOff()
		forever.MaxElapsedTime = 0
		forever.MaxInterval = 5 * time.Second
		client.ReconnectStrategy = forever
	}
	for {
		err := client.SubscribeRaw(func(event *sse.Event) {
			if string(event.Event) == "comment" {
				fmt.Println(time.Now().UnixMilli(), string(event.Data))
			}
		})
		fmt.Fprintln(os.Stderr, err)
		if !loop {
			return
		}
		time.Sleep(time.Second)
	}
}
