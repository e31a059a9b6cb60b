package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

// pull reads one queue of a topic from an offset to its end.
func pull(given options) error {
	receiver, err := rocketmq.NewPullConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver(given.list("namesrv"))),
		consumer.WithGroupName(given["group"]),
		consumer.WithInstance(fmt.Sprintf("L%d", time.Now().UnixNano())),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: given.text("tags", "*")}
	if err = receiver.Subscribe(given["topic"], selector); err != nil {
		return err
	}
	if err = receiver.Start(); err != nil {
		return err
	}
	defer func() { _ = receiver.Shutdown() }()
	queue := &primitive.MessageQueue{Topic: given["topic"], BrokerName: given["broker"], QueueId: given.number("queue", 0)}
	return drain(receiver, queue, int64(given.number("offset", 0)))
}

func drain(receiver rocketmq.PullConsumer, queue *primitive.MessageQueue, offset int64) error {
	for {
		patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		result, err := receiver.PullFrom(patience, queue, offset, 32)
		cancel()
		if err != nil {
			return err
		}
		emit("pulled", event{
			"status": int(result.Status), "offset": offset, "next": result.NextBeginOffset,
			"min": result.MinOffset, "max": result.MaxOffset,
		})
		for _, message := range result.GetMessageExts() {
			emit("found", described(message))
		}
		if result.NextBeginOffset == offset || result.NextBeginOffset >= result.MaxOffset {
			return nil
		}
		offset = result.NextBeginOffset
	}
}
