// The official Go client, told what to do by a test: scenarios COMMAND key=value…
// Every outcome is one JSON line on standard output; the client's own log goes to standard error.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

type options map[string]string

func (o options) text(key, otherwise string) string {
	if value, there := o[key]; there {
		return value
	}
	return otherwise
}

func (o options) number(key string, otherwise int) int {
	value, err := strconv.Atoi(o[key])
	if err != nil {
		return otherwise
	}
	return value
}

func (o options) list(key string) []string {
	if o[key] == "" {
		return nil
	}
	return strings.Split(o[key], ",")
}

// credentials are empty where no accessKey is given: the client signs nothing then.
func credentials(given options) primitive.Credentials {
	return primitive.Credentials{AccessKey: given["accessKey"], SecretKey: given["secretKey"]}
}

type event map[string]interface{}

var printing sync.Mutex

func emit(name string, members event) {
	line := event{"event": name}
	for key, value := range members {
		line[key] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(text))
}

func main() {
	given := options{}
	for _, word := range os.Args[2:] {
		key, value, _ := strings.Cut(word, "=")
		given[key] = value
	}
	commands := map[string]func(options) error{"produce": produce, "consume": consume, "pull": pull, "transact": transact}
	err := fmt.Errorf("unknown command %s", os.Args[1])
	if command, known := commands[os.Args[1]]; known {
		err = command(given)
	}
	if err != nil {
		emit("error", event{"error": err.Error()})
		os.Exit(1)
	}
	emit("done", nil)
}
