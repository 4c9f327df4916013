package main

// docsPage says how the blocks of a page are run, in the page's order.
type docsPage struct {
	// setup runs first: what the page takes for granted.
	setup  string
	blocks []docsRun
}

// docsRun says how a block is run, or why it is not. @http, @nats, @receiver and
// @receiver2 are addresses, @dir is the folder; $NODE is the node's API, $ROOT the
// project. last.log is what the block printed.
type docsRun struct {
	first string // what the block begins with
	not   string // the reason why it is not run
	// edit are pairs: what stands there for a reader, and what is run in its place.
	edit          []string
	before, after string
	background    bool     // the last line goes on beside what follows
	apart         bool     // in a shell of its own, as in another terminal
	needs         []string // programs without which it is not run
}

const (
	takesLong  = "takes minutes to hours; what it measures or seeks is shortened in tests of its own package"
	needsMore  = "needs a product that tests do not install"
	needsRoot  = "needs root, systemd and a package; deploy/deploy_test.go holds the files that it names"
	ownTarget  = "these are the tests, or run them; TestTheTargetsInTheDocs holds their names"
	serveDev   = "postrider serve --dev >node.log 2>&1 &\nready\n"
	token      = "$(postrider token --customer acme --role admin)"
	loggedIn   = serveDev + "export TOKEN=" + token + "\n"
	acmeClient = "export POSTRIDER_TOKEN=" + token + "\n"
)

var docsBlocks = map[string]docsPage{
	"README.md": {blocks: []docsRun{
		{first: "make run", not: ownTarget},
		{first: "make build\n./bin/postrider serve", edit: []string{"make build\n", ""}, background: true, after: "ready"},
		{first: "./bin/postrider listen", edit: []string{"listen", "listen --addr @receiver"}, background: true,
			after: "await '</dev/tcp/${LISTEN/://}'", before: "LISTEN=@receiver"},
		{first: "./bin/postrider endpoint add", edit: []string{"127.0.0.1:9000", "@receiver"}, after: "await 'grep HOLDS block-2.log'"},
		{first: "secret=0123456789abcdef", apart: true, edit: []string{"10000", "500", "127.0.0.1:9001", "@receiver2"}, after: "test $(wc -l <made) = 500"},
	}},
	"CONTRIBUTING.md": {blocks: []docsRun{{first: "make help", not: ownTarget}}},
	"docs/alerts.md": {
		setup: "export POSTRIDER_SMTP_HOST=127.0.0.1 POSTRIDER_SMTP_FROM=a@example.com\n" + serveDev +
			"postrider listen --addr @receiver >listen.log 2>&1 &\n",
		blocks: []docsRun{
			{first: "NODE=", edit: []string{"127.0.0.1:8080", "@http"}},
			{first: "curl $NODE/alerts -H", after: `ALERT=$(jq -r .id last.log)`},
			{first: "curl $NODE/alerts -H", after: `grep -q lookalikes last.log`},
			{first: "curl $NODE/alerts/preview", after: "jq -e .complete last.log"},
			{first: "curl -X PATCH $NODE/v1/customers/acme", after: `grep -q America/Chicago last.log`},
			{first: "curl $NODE/alerts/run", before: `RUN=$(curl $NODE/alerts/run -H "Authorization: Bearer $TOKEN" -d '{"wait":true}' | jq -r .run_id)`},
			{first: "curl $NODE/alerts/webhook", edit: []string{"https://your-api.example.com", "http://@receiver",
				"curl -X PATCH", `WEBHOOK=$(curl $NODE/alerts/webhook -H "Authorization: Bearer $TOKEN" | jq -r '.. | .id? // empty' | head -1)` + "\ncurl -X PATCH"},
				after: "grep -q alert.test listen.log"},
			{first: `curl "$NODE/v1/endpoints?kind=email"`, before: `await 'test -n "$(curl "$NODE/v1/endpoints?kind=email" -H "Authorization: Bearer $TOKEN" | jq -r ".items[].id")"'
MAILBOX=$(curl "$NODE/v1/endpoints?kind=email" -H "Authorization: Bearer $TOKEN" | jq -r '.items[0].id')`, after: "grep -q example.com last.log"},
		}},
	"docs/api.md": {blocks: []docsRun{
		{first: "cd docs/examples/client", not: "TestAGeneratedClient runs these commands"},
	}},
	"docs/benchmarks.md": {blocks: []docsRun{
		{first: "make bench", not: takesLong},
		{first: "postrider bench delivery", not: takesLong},
		{first: "postrider bench matching", not: takesLong},
		{first: "cd cmd/postrider && PLANTED", not: takesLong},
		{first: "postrider bench neighbours", not: takesLong},
		{first: "postrider bench recovery", not: takesLong},
	}},
	"docs/install.md": {
		setup: `mkdir -p etc/postrider/secrets
openssl rand -hex 32 >etc/postrider/secrets/auth_secret
openssl rand -hex 32 >etc/postrider/secrets/master_key
cat >etc/postrider/postrider.yaml <<END
data: @dir/data
auth:
  secret_file: @dir/etc/postrider/secrets/auth_secret
master_key_file: @dir/etc/postrider/secrets/master_key
nats:
  user: producers
  password: secret of producers
END
postrider serve --config etc/postrider/postrider.yaml >node.log 2>&1 &
ready
`,
		blocks: []docsRun{
			{first: "cosign verify-blob", not: "needs a release"},
			{first: "apt install", not: needsRoot},
			{first: "export POSTRIDER_AUTH_SECRET_FILE", edit: []string{"/etc/postrider", "@dir/etc/postrider"},
				after: "postrider --config etc/postrider/postrider.yaml endpoint list | grep example.com"},
			{first: "docker compose", not: needsMore},
			{first: "kubectl create", not: needsMore},
		}},
	"docs/migration.md": {setup: serveDev, blocks: []docsRun{
		{first: "curl -s -H", edit: []string{`curl -s -H "Authorization: Bearer $SVIX_TOKEN" https://api.svix.com/api/v1/app/$APP/endpoint/ >`,
			"cat $ROOT/cmd/postrider/migrate/testdata/svix.json >", "--customer acme\n", "--customer acme --yes\n"}, after: "postrider endpoint list | grep Billing"},
	}},
	"docs/operations.md": {
		setup: `export POSTRIDER_NATS_USER=producers POSTRIDER_NATS_PASSWORD=secret-of-producers
systemctl() {
	case $1 in
	stop) kill -- "-$SERVICE"; wait "$SERVICE" ;;
	start) postrider serve --data @dir/postrider >>node.log 2>&1 & SERVICE=$!; ready ;;
	esac
}
`,
		blocks: []docsRun{
			{first: "export POSTRIDER_AUTH_SECRET", edit: []string{"/var/lib/postrider", "@dir/postrider"}, background: true, after: "SERVICE=$!\nready"},
			{first: "postrider export", edit: []string{"acme.yaml   ", "acme.yaml --yes  "},
				before: acmeClient + "postrider endpoint add --url https://example.com/hook --name 'Front desk'"},
			{first: "kind: endpoint", after: `echo key >key.txt
ACME_FRONT_DESK_SECRET=0123456789abcdef postrider apply -f block.yaml --yes
postrider endpoint show 'Front desk' | grep genlogs`},
			{first: "systemctl stop", edit: []string{"/var/lib", "@dir", "/backups", "@dir/backups"}, before: "mkdir backups"},
			{first: "export POSTRIDER_MASTER_KEY_PREVIOUS", after: "systemctl stop\nsystemctl start\nawait 'grep master_key_previous.may.be.taken.out node.log'"},
			{first: "curl -N", edit: []string{"curl -N", "curl -N --max-time 1", "$POSTRIDER_SERVER", "$NODE", "%3E\"", "%3E\" || test $? = 28"}},
		}},
	"docs/producers.md": {
		setup: loggedIn + `echo '{"door":"Main"}' >event.json
seq 10 | sed 's/.*/{"n":&}/' >events.ndjson
`,
		blocks: []docsRun{
			{first: "nats pub", edit: []string{`nats pub events.acme.access.granted '{"door":"Main"}'` + "\n", ""}}, // TestANATSClient… publish so
			{first: "curl http", edit: []string{"127.0.0.1:8080", "@http"}, after: "jq -e .seq last.log"},
			{first: "postrider publish detections", before: `cp block.json detection.json 2>/dev/null || echo '{"id":"6f1c","time":"2024-05-21T12:00:00Z","license_plate":"ABC1234"}' >detection.json
cp detection.json detections.ndjson`},
		}},
	"docs/receivers.md": {
		setup: `SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
printf '{"door":"Main"}' >body.json
printf %s "$SECRET" >secret.txt
cp $ROOT/docs/examples/verify.mjs .
WEBHOOK_ID=17 WEBHOOK_TIMESTAMP=$(date +%s)
`,
		blocks: []docsRun{
			{first: "openssl dgst -sha1", after: "VALUE=sha1=$(awk '{print $NF}' last.log)"},
			{first: "openssl dgst -sha512", after: "X_GENLOGS_SIGNATURE=sha512=$(awk '{print $NF}' last.log)"},
			{first: "KEY=$(printf", after: "WEBHOOK_SIGNATURE=v1,$(cat last.log)"},
			{first: "node verify.mjs", needs: []string{"node"}},
			{first: "postrider verify", after: "grep HOLDS last.log"},
		}},
	"docs/recipes.md": {setup: serveDev, blocks: []docsRun{
		{first: "postrider endpoint add", edit: []string{"api_key=…", "api_key=0123456789abcdef", "<id>", `"$(postrider endpoint list -o json | jq -r '.. | .id? // empty' | head -1)"`},
			after: "grep datadoghq.eu last.log"},
	}},
	"docs/reliability.md": {blocks: []docsRun{
		{first: "make soak", not: takesLong},
		{first: "go test ./actors/sim", not: takesLong},
	}},
}
