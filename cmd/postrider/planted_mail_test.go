package main

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// plantedMails is what addresses heard: mails are told apart by Message-ID, and
// the links of those that show all their matches are looked at.
type plantedMails struct {
	total    map[string]int // matches by address
	repeated int
	links    map[string]int // by address and link
}

func (p *postOffice) planted() (*plantedMails, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := &plantedMails{total: map[string]int{}, links: map[string]int{}}
	for address, mails := range p.mails {
		seen := map[string]bool{}
		for _, text := range mails {
			id, n, links, err := readMail(text)
			if err != nil {
				return nil, fmt.Errorf("mail to %s: %w", address, err)
			}
			if seen[id] {
				m.repeated++
				continue
			}
			seen[id] = true
			m.total[address] += n
			for _, link := range links {
				m.links[address+" "+link]++
			}
		}
	}
	return m, nil
}

// shownInFull is how many matches a mail shows at most.
const shownInFull = 200

// readMail gives a mail's Message-ID, how many matches its subject names, and
// the planted results that its text links to, where it shows all of them.
func readMail(text string) (id string, matches int, links []string, err error) {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return "", 0, nil, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return "", 0, nil, err
	}
	if _, err := fmt.Sscanf(subject, "%d match", &matches); err != nil {
		return "", 0, nil, fmt.Errorf("subject %q: %w", subject, err)
	}
	id = m.Header.Get("Message-ID")
	if matches > shownInFull {
		return id, matches, nil, nil
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", 0, nil, err
	}
	part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextRawPart()
	if err != nil {
		return "", 0, nil, err
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(quotedprintable.NewReader(part)); err != nil {
		return "", 0, nil, err
	}
	if links = plantedLinks(plain.String()); len(links) != matches {
		err = fmt.Errorf("%s shows %d links:\n%s", subject, len(links), plain.String())
	}
	return id, matches, links, err
}

// plantedLinks are the links of a text to planted results.
func plantedLinks(text string) (links []string) {
	for _, word := range strings.Fields(text) {
		if strings.HasPrefix(word, "https://example.com/") {
			links = append(links, word)
		}
	}
	return links
}
