package policy

// RetryPresets are the retry defaults of software people run, sorted by name.
// Attempts include the first. Versions matter: the AWS SDKs changed theirs in
// November 2026, so an incident before that wants "aws-sdk-standard".
var RetryPresets = []RetryPreset{
	retryPreset("aws-sdk-legacy-botocore", 5, "full-jitter", "1s", "", 2, "", "botocore retryhandler.py, endpoint.py"),
	retryPreset("aws-sdk-legacy-botocore-dynamodb", 10, "exponential", "50ms", "", 2, "", "botocore data/_retry.json"),
	retryPreset("aws-sdk-legacy-java2", 4, "full-jitter", "", "", 0, "", "AWS SDK for Java 2, RetryMode"),
	retryPreset("aws-sdk-standard", 3, "full-jitter", "1s", "20s", 2, "", "botocore retries/standard.py; AWS SDKs reference, retry behaviour"),
	retryPreset("aws-sdk-standard-2026", 3, "full-jitter", "50ms", "20s", 2, "", "aws-sdk-go-v2 v1.47.7 aws/retry; AWS SDKs reference, retry behaviour"),
	retryPreset("azure-core-js", 4, "exponential", "1s", "64s", 2, "", "azure-sdk-for-js core-rest-pipeline"),
	retryPreset("dotnet-standard-resilience", 4, "equal-jitter", "2s", "", 2, "", "Microsoft.Extensions.Http.Resilience"),
	retryPreset("envoy-default", 1, "none", "", "", 0, "", "Envoy router filter"),
	retryPreset("envoy-retry-on", 2, "full-jitter", "25ms", "250ms", 2, "", "Envoy router filter"),
	retryPreset("google-sre", 3, "", "", "", 0, "10%", "Site Reliability Engineering (2016), ch. 21"),
	retryPreset("grpc-default", 1, "none", "", "", 0, "", "gRPC proposal A6"),
	retryPreset("grpc-example-policy", 4, "exponential", "100ms", "1s", 2, "", "gRPC proposal A6"),
	retryPreset("hashicorp-go-retryablehttp", 5, "exponential", "1s", "30s", 2, "", "hashicorp/go-retryablehttp client.go"),
	retryPreset("hystrix", 1, "none", "", "", 0, "", "Hystrix configuration"),
	retryPreset("istio-default", 3, "full-jitter", "25ms", "250ms", 2, "", "Istio traffic management"),
	retryPreset("none", 1, "none", "", "", 0, "", "by definition"),
	retryPreset("polly-v8", 4, "fixed", "2s", "", 0, "", "Polly RetryStrategyOptions"),
	retryPreset("resilience4j", 3, "fixed", "500ms", "", 0, "", "resilience4j RetryConfig"),
	retryPreset("resilience4j-exponential", 3, "exponential", "500ms", "", 1.5, "", "resilience4j IntervalFunction"),
}
