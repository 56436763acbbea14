// Package propagate is the room for what happens over time: queues, time-outs,
// retries, leases and recovery played on a graph. It holds no engine yet; what a
// failure comes to without a clock is answered by package graph.
package propagate
