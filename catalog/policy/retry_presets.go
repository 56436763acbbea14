package policy

// RetryPreset is the retry policy of real software, by name.
type RetryPreset struct {
	Retry  Retry
	Source string // where its values were read
}

// RetryPresets are the retry defaults of software people run, sorted by name.
// Attempts include the first. Versions matter: the AWS SDKs changed theirs in
// November 2026, so an incident before that wants "aws-sdk-standard".
//
// A preset answers every failure of an attempt with the next, whatever the
// software calls retryable. The jitter of the .NET handler is Polly's decorrelated
// one, with pauses from 0 to 1.4, 2.8 and 4.3 times the base and 0.87, 1.16 and
// 2.08 in the mean; full jitter is the nearest we have.
var RetryPresets = []RetryPreset{
	retryPreset("aws-sdk-legacy-botocore", retryValues{attempts: 5, backoff: "full-jitter", base: "1s", factor: 2}, "botocore retryhandler.py, endpoint.py"),
	retryPreset("aws-sdk-legacy-botocore-dynamodb", retryValues{attempts: 10, backoff: "exponential", base: "50ms", factor: 2}, "botocore data/_retry.json"),
	retryPreset("aws-sdk-legacy-java2", retryValues{attempts: 4, backoff: "full-jitter", base: "100ms", cap: "20s", factor: 2, budget: quota(500, 5, 5, 1)}, "AWS SDK for Java 2, RetryMode, SdkDefaultRetrySetting"),
	retryPreset("aws-sdk-legacy-java2-dynamodb", retryValues{attempts: 9, backoff: "full-jitter", base: "25ms", cap: "20s", factor: 2, budget: quota(500, 5, 5, 1)}, "AWS SDK for Java 2, RetryMode, DynamoDbRetryPolicy"),
	retryPreset("aws-sdk-standard", retryValues{attempts: 3, backoff: "full-jitter", base: "1s", cap: "20s", factor: 2, budget: quota(500, 5, 10, 1)}, "botocore retries/standard.py, quota.py; AWS SDKs reference, retry behaviour"),
	retryPreset("aws-sdk-standard-2026", retryValues{attempts: 3, backoff: "full-jitter", base: "50ms", cap: "20s", factor: 2, budget: quota(500, 14, 14, 1)}, "aws-sdk-go-v2 v1.47.7 aws/retry; AWS SDKs reference, retry behaviour"),
	retryPreset("aws-sdk-standard-2026-dynamodb", retryValues{attempts: 4, backoff: "full-jitter", base: "25ms", cap: "20s", factor: 2, budget: quota(500, 14, 14, 1)}, "aws-sdk-go-v2 v1.47.7 aws/retry; AWS SDKs reference, retry behaviour"),
	retryPreset("azure-core-js", retryValues{attempts: 4, backoff: "exponential", base: "1s", cap: "64s", factor: 2}, "azure-sdk-for-js core-rest-pipeline"),
	retryPreset("cenkalti-backoff-v4", retryValues{attempts: MaxAttempts, backoff: "exponential", base: "500ms", cap: "60s", factor: 1.5, jitter: "50%", deadline: "15m"}, "cenkalti/backoff v4.3.0 exponential.go"),
	retryPreset("dotnet-standard-resilience", retryValues{attempts: 4, backoff: "full-jitter", base: "2s", factor: 2, deadline: "30s"}, "Microsoft.Extensions.Http.Resilience HttpStandardResilienceOptions; Polly RetryHelper"),
	retryPreset("envoy-default", retryValues{attempts: 1, backoff: "none"}, "Envoy router filter"),
	retryPreset("envoy-retry-on", retryValues{attempts: 2, backoff: "envoy-jitter", base: "25ms", cap: "250ms", budget: atMostActive(3)}, "Envoy router filter, circuit_breaker.proto"),
	retryPreset("google-sre", retryValues{attempts: 3, budget: depositShare("10%", "")}, sreBook),
	retryPreset("grpc-default", retryValues{attempts: 1, backoff: "none"}, "gRPC proposal A6"),
	retryPreset("grpc-example-policy", retryValues{attempts: 4, backoff: "exponential", base: "100ms", cap: "1s", factor: 2, jitter: "20%"}, "gRPC proposal A6"),
	retryPreset("hashicorp-go-retryablehttp", retryValues{attempts: 5, backoff: "exponential", base: "1s", cap: "30s", factor: 2}, "hashicorp/go-retryablehttp v0.7.8 client.go"),
	retryPreset("hystrix", retryValues{attempts: 1, backoff: "none"}, "Hystrix HystrixCommandProperties"),
	retryPreset("istio-default", retryValues{attempts: 3, backoff: "envoy-jitter", base: "25ms", cap: "250ms"}, "Istio virtual_service.proto"),
	retryPreset("kubernetes-controller-workqueue", retryValues{attempts: MaxAttempts, backoff: "exponential", base: "5ms", cap: "1000s", factor: 2}, clientGo+" util/workqueue/default_rate_limiters.go"),
	retryPreset("lambda-async-function-error", retryValues{attempts: 3, backoff: "exponential", base: "60s", factor: 2}, "AWS Lambda developer guide, asynchronous invocation"),
	retryPreset("lambda-async-throttle-or-5xx", retryValues{attempts: MaxAttempts, backoff: "exponential", base: "1s", cap: "5m", deadline: "6h"}, "AWS Lambda developer guide, asynchronous invocation"),
	retryPreset("none", retryValues{attempts: 1, backoff: "none"}, "by definition"),
	retryPreset("polly-v8", retryValues{attempts: 4, backoff: "fixed", base: "2s"}, "Polly RetryStrategyOptions"),
	retryPreset("resilience4j", retryValues{attempts: 3, backoff: "fixed", base: "500ms"}, "resilience4j RetryConfig"),
	retryPreset("resilience4j-exponential", retryValues{attempts: 3, backoff: "exponential", base: "500ms", factor: 1.5}, "resilience4j IntervalFunction"),
	retryPreset("step-functions-retry", retryValues{attempts: 4, backoff: "exponential", base: "1s", factor: 2}, "Amazon States Language, Retry"),
}

// retryValues are what the documentation of a retry policy says; 0, "" and nil are
// not stated.
type retryValues struct {
	attempts                             int64
	backoff, base, cap, jitter, deadline string
	factor                               float64
	budget                               budget
}

func retryPreset(name string, v retryValues, source string) RetryPreset {
	r := Retry{
		Preset:   name,
		Attempts: documented(v.attempts, source),
		Backoff:  v.backoff,
		Base:     documentedDuration(v.base, source),
		Cap:      documentedDuration(v.cap, source),
		Jitter:   documentedRatio(v.jitter, source),
		Deadline: documentedDuration(v.deadline, source),
	}
	if v.factor != 0 {
		r.Factor = documented(v.factor, source)
	}
	if v.budget != nil {
		r.Budget = v.budget(source)
	}
	return RetryPreset{Retry: r, Source: source}
}
