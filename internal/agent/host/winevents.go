package host

import (
	"encoding/xml"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Windows' event logs tell what its lists of programs and updates cannot: what was removed, when, and whose account it was.

const (
	maxEvent  = 64 << 10 // bytes of one event
	maxEvents = 500      // of one log, newest first
)

// eventQueries are the logs that are asked, and for which events.
func eventQueries() [][2]string {
	return [][2]string{
		{"Application", "*[System[Provider[@Name='MsiInstaller'] and (EventID=1033 or EventID=1034 or EventID=1036)]]"},
		{"System", "*[System[Provider[@Name='Microsoft-Windows-WindowsUpdateClient'] and EventID=19]]"},
		{"Setup", "*[System[Provider[@Name='Microsoft-Windows-Servicing'] and EventID=2]]"},
	}
}

// eventLogs gives events as Windows writes them in XML, newest first. A log that is not there has none.
type eventLogs interface {
	events(channel, query string, limit int) []string
}

// winEvent is one event of a log.
type winEvent struct {
	Provider struct {
		Name string `xml:"Name,attr"`
	} `xml:"System>Provider"`
	ID      int `xml:"System>EventID"`
	Created struct {
		At string `xml:"SystemTime,attr"`
	} `xml:"System>TimeCreated"`
	Security struct {
		User string `xml:"UserID,attr"`
	} `xml:"System>Security"`
	Data []struct {
		Name string `xml:"Name,attr"`
		Text string `xml:",chardata"`
	} `xml:"EventData>Data"`
	Servicing struct {
		Package string `xml:"PackageIdentifier"`
		State   string `xml:"IntendedPackageState"`
		Code    string `xml:"ErrorCode"`
		Client  string `xml:"Client"`
	} `xml:"UserData>CbsPackageChangeState"`
}

// parseEvent reads an event as Windows renders it in XML.
func parseEvent(text string) (e winEvent, err error) {
	if len(text) > maxEvent {
		return e, errors.New("the event is larger than 64 KiB")
	}
	err = xml.Unmarshal([]byte(text), &e)
	return e, err
}

// at is an event's n-th text; empty where it has fewer.
func (e *winEvent) at(n int) string {
	if n >= len(e.Data) {
		return ""
	}
	return strings.TrimSpace(e.Data[n].Text)
}

func (e *winEvent) named(name string) string {
	for i := range e.Data {
		if e.Data[i].Name == name {
			return strings.TrimSpace(e.Data[i].Text)
		}
	}
	return ""
}

var article = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bKB[0-9]{5,8}\b`) })

// change is what an event says was changed; false where it says that nothing was. served is as in hotfixHand, account gives an account's name.
func (e *winEvent) change(served bool, account func(sid string) string) (c patch.PkgChange, ok bool) {
	moment, err := time.Parse(time.RFC3339Nano, e.Created.At)
	if err != nil {
		return c, false
	}
	c.At, c.Action = moment.UTC().Truncate(time.Second), "install"
	switch e.Provider.Name {
	case "MsiInstaller":
		ok = e.installer(&c, account)
	case "Microsoft-Windows-WindowsUpdateClient":
		if ok = e.ID == 19; ok {
			c.Name = e.named("updateTitle")
			c.By, c.Who, c.Evidence = updateHand(e.named("serviceGuid"), served)
		}
	case "Microsoft-Windows-Servicing":
		ok = e.servicing(&c, served)
	}
	if kb := article().FindString(c.Name); kb != "" && c.To == "" {
		c.Name = kb
	}
	c.Name, c.To = tidy(c.Name, 200), tidy(c.To, 200)
	return c, ok && c.Name != ""
}

// installer reads what Windows Installer says: a product came or went (name, version, language, code, maker), or a patch of one came
// (product, version, language, patch, code, maker).
func (e *winEvent) installer(c *patch.PkgChange, account func(sid string) string) bool {
	code := e.at(3)
	switch c.Name = e.at(0); e.ID {
	case 1033:
		c.To = e.at(1)
	case 1034:
		c.Action, c.From = "remove", tidy(e.at(1), 200)
	case 1036:
		c.Name, code = e.at(3), e.at(4)
	default:
		return false
	}
	if strings.HasPrefix(e.Security.User, "S-1-5-21-") || strings.HasPrefix(e.Security.User, "S-1-12-1-") { // a person's, not one of Windows' own
		c.By, c.Who = tidy(account(e.Security.User), 100), patch.DoerPerson
		c.Evidence = "event log Application: MsiInstaller, account " + tidy(e.Security.User, 100)
	}
	return code == "0" || code == "1641" || code == "3010"
}

// servicing reads what component servicing says that a package has become.
func (e *winEvent) servicing(c *patch.PkgChange, served bool) bool {
	s := &e.Servicing
	c.Name = strings.TrimSpace(s.Package)
	if c.By, c.Who, c.Evidence = hotfixHand(strings.TrimSpace(s.Client), served); c.Evidence != "" {
		c.Evidence = "event log Setup: " + c.Evidence
	}
	switch strings.TrimSpace(s.State) {
	case "5112", "Installed":
	case "5000", "Absent":
		c.Action = "remove"
	default:
		return false
	}
	return e.ID == 2 && strings.TrimSpace(s.Code) == "0x0"
}

// updateHand tells by the service that an update came from who had it installed.
func updateHand(service string, served bool) (by string, who patch.Doer, evidence string) {
	evidence = "event log System: WindowsUpdateClient, service " + tidy(service, 60)
	switch strings.ToLower(service) {
	case "{3da21691-e39d-4da6-8a4b-b43877bcb1b7}": // a managed server
		return patch.WSUS, patch.DoerService, evidence
	case "{9482f4b4-e343-43b6-b170-9a65bc822c77}", "{7971f918-a847-4430-9279-4a52d1efe18d}": // Windows Update, Microsoft Update
		return patch.WindowsUpdate, patch.DoerService, evidence
	}
	if served {
		return patch.WSUS, patch.DoerService, evidence
	}
	return patch.WindowsUpdate, patch.DoerService, evidence
}

// testify adds to what Windows lists what its event logs say: whose hand it was where the lists do not tell, and what is not on a list (any more).
func testify(listed []patch.PkgChange, logs eventLogs, served bool, account func(sid string) string) []patch.PkgChange {
	type what struct{ action, name, to string }
	known := map[what]int{}
	for i, c := range listed {
		known[what{c.Action, c.Name, c.To}] = i
	}
	for _, q := range eventQueries() {
		for _, text := range logs.events(q[0], q[1], maxEvents) {
			e, err := parseEvent(text)
			if err != nil {
				continue // one that cannot be read is no witness
			}
			c, ok := e.change(served, account)
			if !ok {
				continue
			}
			key := what{c.Action, c.Name, c.To}
			i, there := known[key]
			if !there {
				known[key] = len(listed)
				listed = append(listed, c)
				continue
			}
			if l := &listed[i]; l.By == "" && c.By != "" {
				l.By, l.Who, l.Evidence = c.By, c.Who, c.Evidence
			}
		}
	}
	return listed
}
