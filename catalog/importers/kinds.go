package importers

import (
	"path"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// products are words in the names of images and systems, and what such software is.
// It is a guess, and the catalog says so.
var products = []struct {
	kind  catalog.Kind
	words []string
}{
	{catalog.KindDatabase, []string{
		"postgres", "postgresql", "postgis", "timescaledb", "mysql", "mariadb", "percona", "mongo", "mongodb", "cassandra", "scylla", "scylladb",
		"cockroach", "cockroachdb", "yugabyte", "tidb", "elasticsearch", "opensearch", "solr", "meilisearch", "influxdb", "clickhouse", "neo4j",
		"couchdb", "couchbase", "dynamodb", "dynamodb-local", "mssql", "oracle", "sqlserver", "hbase", "minio", "etcd", "arangodb", "dgraph", "mongod",
	}},
	{catalog.KindCache, []string{"redis", "valkey", "memcached", "memcache", "keydb", "dragonfly", "hazelcast", "varnish", "ehcache"}},
	{catalog.KindQueue, []string{
		"kafka", "cp-kafka", "redpanda", "rabbitmq", "activemq", "artemis", "nats", "nats-streaming", "pulsar", "mosquitto", "emqx", "sqs", "sns",
		"kinesis", "elasticmq", "nsq", "rocketmq", "beanstalkd", "eventhubs", "servicebus", "pubsub", "jms",
	}},
	{catalog.KindGateway, []string{"nginx", "envoy", "traefik", "haproxy", "kong", "caddy", "openresty", "httpd", "zuul", "apisix"}},
	{catalog.KindDNS, []string{"coredns", "bind9", "unbound", "dnsmasq", "powerdns"}},
	{catalog.KindTool, []string{
		"prometheus", "grafana", "jaeger", "zipkin", "opentelemetry-collector", "opentelemetry-collector-contrib", "otel-collector", "loki", "tempo", "kibana",
		"fluentd", "fluent-bit", "cadvisor", "node-exporter", "locust", "k6", "adminer", "phpmyadmin", "pgadmin4", "all-in-one",
	}},
}

// kindOf guesses what software of a name is: the last part of an image's name, a
// db.system, the name of a broker.
func kindOf(name string) (catalog.Kind, bool) {
	name = strings.ToLower(name)
	for _, p := range products {
		if slices.Contains(p.words, name) {
			return p.kind, true
		}
	}
	return catalog.KindService, false
}

// guessKind sets the kind of a service that nobody has stated.
func (s *Service) guessKind(product, from string) {
	if s.Kind != catalog.KindService {
		return
	}
	if kind, ok := kindOf(product); ok {
		s.Kind, s.KindGuess = kind, from
	}
}

// imageName is the last part of the name of an image, without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := path.Base(image)
	name, _, _ = strings.Cut(name, ":")
	return name
}

// criticality is a word for importance as a tier: 0 for the most important. The
// words are those of OpenTelemetry's service.criticality and of Threagile.
func criticality(word, source string) unit.Value[int64] {
	tiers := map[string]int64{
		"critical": 0, "mission-critical": 0, "high": 1, "important": 2, "medium": 2, "operational": 3, "low": 3, "archive": 4,
	}
	if tier, ok := tiers[strings.ToLower(word)]; ok {
		return unit.Value[int64]{V: tier, Evidence: unit.Documented, Source: source}
	}
	return unit.Value[int64]{}
}

// resources are the types of cloud resources that are no plain services, written in
// small letters without marks: aws_dynamodb_table and AWS::DynamoDB::Table are one.
var resources = []struct {
	kind  catalog.Kind
	types []string
}{
	{catalog.KindDatabase, []string{
		"awsdbinstance", "awsrdscluster", "awsrdsclusterinstance", "awsrdsdbinstance", "awsrdsdbcluster", "awsrdsglobalcluster", "awsdynamodbtable",
		"awsdynamodbglobaltable", "awsdocdbcluster", "awsdocdbclusterinstance", "awsdocdbdbcluster", "awsdocdbdbinstance", "awsneptunecluster",
		"awsneptuneclusterinstance", "awsneptunedbcluster", "awsneptunedbinstance", "awsredshiftcluster", "awsopensearchdomain",
		"awsopensearchservicedomain", "awselasticsearchdomain", "awss3bucket", "awsefsfilesystem", "googlesqldatabaseinstance", "googlebigtableinstance",
		"googlespannerinstance", "googlestoragebucket", "googlefirestoredatabase", "azurermcosmosdbaccount", "azurermmssqlserver", "azurermmssqldatabase",
		"azurermpostgresqlserver", "azurermpostgresqlflexibleserver", "azurermmysqlserver", "azurermmysqlflexibleserver", "azurermstorageaccount",
	}},
	{catalog.KindCache, []string{
		"awselasticachecluster", "awselasticachereplicationgroup", "awselasticachecachecluster", "awselasticacheserverlesscache", "awsmemorydbcluster",
		"awsdaxcluster", "googleredisinstance", "googlememcacheinstance", "azurermrediscache",
	}},
	{catalog.KindQueue, []string{
		"awssqsqueue", "awssnstopic", "awskinesisstream", "awskinesisfirehosedeliverystream", "awsmskcluster", "awsmqbroker",
		"awsamazonmqbroker", "awscloudwatcheventbus", "awseventseventbus", "googlepubsubtopic", "azurermservicebusqueue", "azurermservicebustopic",
		"azurermservicebusnamespace", "azurermeventhub", "azurermeventhubnamespace",
	}},
	{catalog.KindGateway, []string{
		"awslb", "awsalb", "awselb", "awselasticloadbalancingloadbalancer", "awselasticloadbalancingv2loadbalancer", "awsapigatewayrestapi", "awsapigatewayv2api",
		"awscloudfrontdistribution", "awsnatgateway", "awsec2natgateway", "googlecomputeforwardingrule", "googlecomputeglobalforwardingrule", "azurermlb",
		"azurermapplicationgateway", "azurermapimanagement", "azurermfrontdoor", "openstacklbloadbalancerv2",
	}},
	{catalog.KindDNS, []string{"awsroute53zone", "awsroute53record", "awsroute53hostedzone", "awsroute53recordset", "googlednsmanagedzone", "azurermdnszone"}},
}

// kindOfResource is what a resource of a cloud is, by its type.
func kindOfResource(name string) (catalog.Kind, bool) {
	name = strings.NewReplacer("_", "", ":", "").Replace(strings.ToLower(name))
	for _, r := range resources {
		if slices.Contains(r.types, name) {
			return r.kind, true
		}
	}
	return catalog.KindService, false
}
