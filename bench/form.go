package bench

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// form is how an endpoint of the bench wants its deliveries: a profile as users
// have it, with that profile's signature.
type form struct {
	profile, format, version string
	scheme, secret           string
	header                   string // of the signature, in its canonical form
}

// Formats of bodies that the bench knows.
const (
	formatRaw      = "raw"
	formatGenlogs  = "genlogs"
	formatStandard = "standard"
	formatGenea    = "genea"
)

// Formats are all formats of bodies that suites take: raw is the document as it
// was published, genea version v3.
func Formats() []string { return []string{formatRaw, formatGenlogs, formatStandard, formatGenea} }

var forms = map[string]form{
	formatRaw:      {profile: "custom", format: formatRaw, scheme: "genlogs", secret: Secret, header: signatureHeader},
	formatGenlogs:  {profile: formatGenlogs, format: formatGenlogs, scheme: "genlogs", secret: Secret, header: signatureHeader},
	formatStandard: {profile: formatStandard, format: formatStandard, scheme: "standard", secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(Secret)), header: "Webhook-Signature"},
	formatGenea:    {profile: formatGenea, format: formatGenea, version: "v3", scheme: "sequr", secret: Secret, header: "X-Sequr-Signature"},
}

// formOf is the form of a format; "" is raw.
func formOf(format string) form {
	if format == "" {
		format = formatRaw
	}
	return forms[format]
}

func checkFormat(format string) error {
	if !slices.Contains(Formats(), format) {
		return wrong("format", format, "must be "+strings.Join(Formats(), ", "))
	}
	return nil
}

func (f form) signer() (*signature.Signer, error) {
	return signature.NewSigner(signature.Config{Scheme: f.scheme}, signature.Secrets{Current: f.secret})
}

func (f form) verifier() (*signature.Verifier, error) {
	return signature.NewVerifier(signature.Config{Scheme: f.scheme}, []string{f.secret}, 0)
}

// documentForm makes documents of one size, each with the time that it was
// meant to be published.
type documentForm struct {
	text []byte
	at   int // where the digits of the time begin
}

// Sizes of documents in bytes. An envelope of Genea is longer than the least.
const (
	MinDocument      = 128
	minGenea         = 1024
	MaxDocument      = 1 << 20
	documentTime     = "1000000000000000000"
	timeMarkInText   = `"at `
	geneaBeforeTime  = `{"hardware":"mercury","event_time":"2026-03-02T09:41:07Z","event_type":"access","event_action":"granted","event_message":` + timeMarkInText
	geneaBeforeNote  = `","event_note":"`
	geneaAfterNote   = `","actor":{"type":"user","user_location_uuid":"0f0f6a4b-44ab-4b46-8f5d-8c2a4c3d2e11","user_location_role":"employee","user_uuid":"4be0643f-1d98-573b-97cd-ca98a65347dd","user_name":"Jo Doe","user_email":"jo@example.com"},` + `"location":[{"uuid":"b3b0c442-98fc-4c14-9afb-f4c8996fb924","name":"Harbour","city":"Oakland","state":"CA","zip":"94607","timezone":"America/Los_Angeles"}],"door":{"uuid":"7ac66c0f-148d-4519-928b-1b0b1b7dc66c","name":"Front door","door_status":"closed","model":"EP1502"},"controller":{"uuid":"1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed","name":"North","mac":"00:0f:e5:01:02:03","model":"EP1502","serial_number":"481516"},"created_at":"2026-03-02T09:41:08Z"}`
	plainBeforeTime  = `{` + timeKey
	plainBeforeWords = `,"text":"`
)

// newDocumentForm makes documents of size bytes for endpoints of that format.
func newDocumentForm(format string, size int) (documentForm, error) {
	least, before, middle, after := MinDocument, plainBeforeTime, plainBeforeWords, `"}`
	if format == formatGenea {
		least, before, middle, after = minGenea, geneaBeforeTime, geneaBeforeNote, geneaAfterNote
	}
	if size < least || size > MaxDocument {
		return documentForm{}, wrong("size", size, fmt.Sprintf("must be from %d to %d bytes for the format %s", least, MaxDocument, format))
	}
	b := append([]byte(before+documentTime), middle...)
	end := size - len(after)
	for i := 0; len(b) < end; i++ {
		b = append(strconv.AppendUint(b, uint64(i)*2654435761, 36), ' ')
	}
	return documentForm{text: append(b[:end:end], after...), at: len(before)}, nil
}

// documents makes one document for each intended time.
func (d documentForm) documents(times []time.Time) [][]byte {
	size := len(d.text)
	all := bytes.Repeat(d.text, len(times))
	docs := make([][]byte, len(times))
	for i, t := range times {
		docs[i] = all[i*size : (i+1)*size : (i+1)*size]
		strconv.AppendInt(docs[i][:d.at], t.UnixNano(), 10)
	}
	return docs
}
