package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

// owned remembers what the last rebalance of the topic gave this consumer.
var owned struct {
	sync.Mutex
	queues []*primitive.MessageQueue
}

// consume is a push consumer: a "consumed" line for each delivery; standard input takes "queues" and "quit" (or its end).
func consume(given options) error {
	model := consumer.Clustering
	if given["model"] == "BROADCASTING" {
		model = consumer.BroadCasting
	}
	chosen := []consumer.Option{
		consumer.WithNsResolver(primitive.NewPassthroughResolver(given.list("namesrv"))),
		consumer.WithCredentials(credentials(given)),
		consumer.WithGroupName(given["group"]),
		consumer.WithInstance(given.text("instance", fmt.Sprintf("C%d", time.Now().UnixNano()))),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerModel(model),
		consumer.WithConsumerOrder(given["order"] == "true"),
		consumer.WithSuspendCurrentQueueTimeMillis(200 * time.Millisecond),
		consumer.WithStrategy(remembering(given["topic"])),
	}
	if times := given.number("maxReconsume", -1); times >= 0 {
		chosen = append(chosen, consumer.WithMaxReconsumeTimes(int32(times)))
	}
	receiver, err := rocketmq.NewPushConsumer(chosen...)
	if err != nil {
		return err
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: given.text("tags", "*")}
	if given["sql"] != "" {
		selector = consumer.MessageSelector{Type: consumer.SQL92, Expression: given["sql"]}
	}
	if err = receiver.Subscribe(given["topic"], selector, listener(given)); err != nil {
		return err
	}
	if err = receiver.Start(); err != nil {
		return err
	}
	emit("started", nil)
	obey()
	return receiver.Shutdown()
}

func listener(given options) func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	failFirst := given.number("failFirst", 0)
	return func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		well := true
		for _, message := range messages {
			accepted := int(message.ReconsumeTimes) >= failFirst
			members := described(message)
			members["accepted"] = accepted
			emit("consumed", members)
			well = well && accepted
		}
		if well {
			return consumer.ConsumeSuccess, nil
		}
		if given["order"] == "true" {
			return consumer.SuspendCurrentQueueAMoment, nil
		}
		return consumer.ConsumeRetryLater, nil
	}
}

func remembering(topic string) consumer.AllocateStrategy {
	return func(group, id string, all []*primitive.MessageQueue, members []string) []*primitive.MessageQueue {
		mine := consumer.AllocateByAveragely(group, id, all, members)
		if len(all) > 0 && all[0].Topic == topic {
			owned.Lock()
			owned.queues = mine
			owned.Unlock()
		}
		return mine
	}
}

func obey() {
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() && commands.Text() != "quit" {
		if commands.Text() != "queues" {
			continue
		}
		owned.Lock()
		queues := []event{}
		for _, queue := range owned.queues {
			queues = append(queues, event{"broker": queue.BrokerName, "queue_id": queue.QueueId, "topic": queue.Topic})
		}
		owned.Unlock()
		emit("queues", event{"queues": queues})
	}
}
