package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

var states = map[string]primitive.LocalTransactionState{
	"commit": primitive.CommitMessageState, "rollback": primitive.RollbackMessageState, "unknown": primitive.UnknowState,
}

// decided answers as the lists say: message i takes the entry i modulo the list's length.
type decided struct {
	local, check []string
}

func (d decided) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	return states[d.local[bodyIndex(message.Body)%len(d.local)]]
}

func (d decided) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	members := described(message)
	members["times"] = message.GetProperty("TRANSACTION_CHECK_TIMES")
	members["at"] = time.Now().UnixNano() / 1e6
	emit("checked", members)
	return states[d.check[bodyIndex(message.Body)%len(d.check)]]
}

// transact sends messages in transactions, a "sent" line each; with stay=true it answers checks until "quit" comes.
func transact(given options) error {
	listener := decided{strings.Split(given.text("local", "commit"), ","), strings.Split(given.text("check", "unknown"), ",")}
	sender, err := rocketmq.NewTransactionProducer(listener,
		producer.WithNsResolver(primitive.NewPassthroughResolver(given.list("namesrv"))),
		producer.WithGroupName(given.text("group", "PG_transact_go")),
		producer.WithInstanceName(given.text("instance", fmt.Sprintf("T%d", time.Now().UnixNano()))),
		producer.WithSendMsgTimeout(15*time.Second),
		producer.WithQueueSelector(producer.NewRoundRobinQueueSelector()),
	)
	if err != nil {
		return err
	}
	if err = sender.Start(); err != nil {
		return err
	}
	defer func() { _ = sender.Shutdown() }()
	first, end := numbers(given)
	for i := first; i < end; i++ {
		message := primitive.NewMessage(given["topic"], makeBody(i, given.number("size", 0)))
		message.WithKeys([]string{fmt.Sprintf("k%d", i)})
		message.WithProperty("owner", "transact")
		result, err := sender.SendMessageInTransaction(context.Background(), message)
		if err != nil {
			return err
		}
		report(i, result.SendResult, nil)
	}
	emit("started", nil)
	if given["stay"] == "true" {
		obey()
	} else {
		// Ends of transactions are one-way: leave the connection open until the bytes are away.
		time.Sleep(500 * time.Millisecond)
	}
	return nil
}
