package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

var statuses = map[primitive.SendStatus]string{
	primitive.SendOK: "SEND_OK", primitive.SendFlushDiskTimeout: "FLUSH_DISK_TIMEOUT",
	primitive.SendFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT", primitive.SendSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
}

// produce sends messages numbered from first; one "sent" or "failed" line each.
func produce(given options) error {
	sender, err := rocketmq.NewProducer(
		producer.WithCredentials(credentials(given)),
		producer.WithNsResolver(primitive.NewPassthroughResolver(given.list("namesrv"))),
		producer.WithGroupName(given.text("group", "PG_compat_go")),
		producer.WithInstanceName(given.text("instance", fmt.Sprintf("P%d", time.Now().UnixNano()))),
		producer.WithSendMsgTimeout(15*time.Second),
		producer.WithRetry(2),
		producer.WithQueueSelector(selectorFor(given)),
	)
	if err != nil {
		return err
	}
	if err = sender.Start(); err != nil {
		return err
	}
	defer func() { _ = sender.Shutdown() }()
	modes := map[string]func(rocketmq.Producer, options) error{
		"sync": sendSync, "orderly": sendSync, "async": sendAsync, "oneway": sendOneWay, "batch": sendBatch,
	}
	mode, known := modes[given.text("mode", "sync")]
	if !known {
		return fmt.Errorf("unknown mode %s", given["mode"])
	}
	return mode(sender, given)
}

func selectorFor(given options) producer.QueueSelector {
	if given["mode"] == "orderly" {
		return producer.NewHashQueueSelector()
	}
	return producer.NewRoundRobinQueueSelector()
}

func newMessage(index int, given options) *primitive.Message {
	message := primitive.NewMessage(given["topic"], makeBody(index, given.number("size", 0)))
	if tags := given.list("tags"); tags != nil {
		message.WithTag(tags[index%len(tags)])
	}
	if given["keys"] != "" {
		message.WithKeys([]string{given["keys"] + strconv.Itoa(index)})
	}
	if level := given.number("delay", 0); level > 0 {
		message.WithDelayTimeLevel(level)
	}
	if given["mode"] == "orderly" {
		message.WithShardingKey(strconv.Itoa(index % given.number("lanes", 4)))
	}
	message.WithProperty("owner", given.text("owner", "compat"))
	if given["numbered"] == "true" {
		message.WithProperty("number", strconv.Itoa(index))
	}
	return message
}

func numbers(given options) (first, end int) {
	first = given.number("first", 0)
	return first, first + given.number("count", 10)
}

func sendSync(sender rocketmq.Producer, given options) error {
	first, end := numbers(given)
	for i := first; i < end; i++ {
		result, err := sender.SendSync(context.Background(), newMessage(i, given))
		report(i, result, err)
		time.Sleep(time.Duration(given.number("pauseMs", 0)) * time.Millisecond)
	}
	return nil
}

func sendAsync(sender rocketmq.Producer, given options) error {
	first, end := numbers(given)
	answered := make(chan struct{}, end-first)
	for i := first; i < end; i++ {
		index := i
		back := func(_ context.Context, result *primitive.SendResult, err error) {
			report(index, result, err)
			answered <- struct{}{}
		}
		if err := sender.SendAsync(context.Background(), back, newMessage(i, given)); err != nil {
			back(context.Background(), nil, err)
		}
	}
	deadline := time.After(60 * time.Second)
	for i := first; i < end; i++ {
		select {
		case <-answered:
		case <-deadline:
			return fmt.Errorf("%d asynchronous sends were never answered", end-i)
		}
	}
	return nil
}

func sendOneWay(sender rocketmq.Producer, given options) error {
	first, end := numbers(given)
	for i := first; i < end; i++ {
		if err := sender.SendOneWay(context.Background(), newMessage(i, given)); err != nil {
			report(i, nil, err)
			continue
		}
		emit("oneway", event{"index": i})
	}
	// A one-way send has no answer: leave the connection open until the bytes are away.
	time.Sleep(500 * time.Millisecond)
	return nil
}

func sendBatch(sender rocketmq.Producer, given options) error {
	first, end := numbers(given)
	size := given.number("batch", 8)
	for i := first; i < end; i += size {
		var messages []*primitive.Message
		for j := i; j < i+size && j < end; j++ {
			messages = append(messages, newMessage(j, given))
		}
		result, err := sender.SendSync(context.Background(), messages...)
		report(i, result, err)
	}
	return nil
}

func report(index int, result *primitive.SendResult, err error) {
	if err != nil {
		emit("failed", event{"index": index, "error": err.Error()})
		return
	}
	emit("sent", event{
		"index": index, "status": statuses[result.Status], "msg_id": result.MsgID, "offset_msg_id": result.OffsetMsgID,
		"broker": result.MessageQueue.BrokerName, "queue_id": result.MessageQueue.QueueId,
		"queue_offset": result.QueueOffset, "region": result.RegionID,
	})
}
