package msrc

import (
	"regexp"
	"strings"
	"sync"
)

// knownBuilds are the builds of Windows' versions, for documents that name a product and not the build that an update brings.
var knownBuilds = sync.OnceValue(func() []namedBuild {
	return []namedBuild{
		{regexp.MustCompile(`(?i)windows 11 version 25h2`), "10.0", "26200"}, {regexp.MustCompile(`(?i)windows 11 version 24h2|server 2025`), "10.0", "26100"},
		{regexp.MustCompile(`(?i)windows 11 version 23h2`), "10.0", "22631"}, {regexp.MustCompile(`(?i)windows 11 version 22h2`), "10.0", "22621"}, {regexp.MustCompile(`(?i)windows 11 (version 21h2|for )`), "10.0", "22000"},
		{regexp.MustCompile(`(?i)server 2022, 23h2`), "10.0", "25398"}, {regexp.MustCompile(`(?i)server 2022`), "10.0", "20348"},
		{regexp.MustCompile(`(?i)windows 10 version 22h2`), "10.0", "19045"}, {regexp.MustCompile(`(?i)windows 10 version 21h2`), "10.0", "19044"}, {regexp.MustCompile(`(?i)windows 10 version 21h1`), "10.0", "19043"},
		{regexp.MustCompile(`(?i)version 20h2`), "10.0", "19042"}, {regexp.MustCompile(`(?i)version 2004`), "10.0", "19041"}, {regexp.MustCompile(`(?i)version 1909`), "10.0", "18363"}, {regexp.MustCompile(`(?i)version 1903`), "10.0", "18362"},
		{regexp.MustCompile(`(?i)version 1809|server 2019`), "10.0", "17763"}, {regexp.MustCompile(`(?i)version 1803`), "10.0", "17134"}, {regexp.MustCompile(`(?i)version 1709`), "10.0", "16299"}, {regexp.MustCompile(`(?i)version 1703`), "10.0", "15063"},
		{regexp.MustCompile(`(?i)version 1607|server 2016`), "10.0", "14393"}, {regexp.MustCompile(`(?i)version 1511`), "10.0", "10586"}, {regexp.MustCompile(`(?i)windows 10 for `), "10.0", "10240"},
		{regexp.MustCompile(`(?i)windows 8\.1|server 2012 r2`), "6.3", "9600"}, {regexp.MustCompile(`(?i)windows 8 |server 2012`), "6.2", "9200"}, {regexp.MustCompile(`(?i)windows 7|server 2008 r2`), "6.1", "7601"},
		{regexp.MustCompile(`(?i)vista|server 2008`), "6.0", "6003"}, {regexp.MustCompile(`(?i)server 2003|windows xp professional x64`), "5.2", "3790"}, {regexp.MustCompile(`(?i)windows xp`), "5.1", "2600"},
	}
})

type namedBuild struct {
	name          *regexp.Regexp
	number, build string
}

func knownBuild(product string) (number, build string) {
	for _, k := range knownBuilds() {
		if k.name.MatchString(strings.TrimSpace(product) + " ") {
			return k.number, k.build
		}
	}
	return "", ""
}
