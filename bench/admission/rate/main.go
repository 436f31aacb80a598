// What one admission costs in golang.org/x/time/rate: one limiter, one Allow, which reads the clock
// itself. With 2 goroutines both take from the same limiter.
//
//	rate N GOROUTINES        prints nanoseconds per operation of each
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	workers, _ := strconv.Atoi(os.Args[2])
	limiter := rate.NewLimiter(1e12, 1<<30)
	var all sync.WaitGroup

	start := time.Now()
	for i := 0; i < workers; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < n; k++ {
				if !limiter.Allow() {
					panic("refused")
				}
			}
		}()
	}
	all.Wait()
	fmt.Printf("%.2f\n", float64(time.Since(start).Nanoseconds())/float64(n))
}
