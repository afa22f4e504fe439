// Package shop has everything in it that a body can be.
package shop

import (
	"errors"
	"fmt"
	"strings"
)

type Item struct {
	Name  string
	Price int
}

type Cart[T any] struct{ items []T }

var rate = func(n int) int { return n * 2 }

func New(name string) *Item { return &Item{Name: strings.ToUpper(name)} }

func Plain(name string) Item {
	return Item{Name: name}
}

func (c *Cart[T]) Add(item T) {
	c.items = append(c.items, item)
}

func (c Cart[T]) First() (T, error) {
	if len(c.items) == 0 {
		var none T
		return none, errors.New("empty")
	}
	return c.items[0], nil
}

func Named(n int) (sum int, err error) {
	defer func() { err = fmt.Errorf("late %d", n) }()
	sum = n
	return
}

func Many() (map[string]int, []byte, func(int) error, chan int, interface{ Close() error }, [2]int, bool) {
	return nil, nil, nil, nil, nil, [2]int{1, 2}, true
}

func Map[K comparable, V any](in map[K]V, f func(V) V) map[K]V {
	out := map[K]V{}
	for k, v := range in {
		out[k] = f(v)
	}
	return out
}

func nothing() {}

func external(n int) int
