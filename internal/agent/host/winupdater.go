package host

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// settings are numbers and texts of the local machine's 64-bit registry, by key and name.
type settings interface {
	text(key, name string) string
	number(key, name string) (n uint32, there bool)
	keys(key string) []string // below it; none where it is not there
}

// writable are settings that can be changed.
type writable interface {
	settings
	set(key, name string, n uint32) error
	remove(key, name string) error // one that is not there is no error
}

// Where Windows keeps what decides about other patch services.
const (
	updatePolicy  = `SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate`
	autoPolicy    = updatePolicy + `\AU`
	autoChoice    = `SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update` // people's own, before Windows 10
	updateService = `SYSTEM\CurrentControlSet\Services\wuauserv`
	ccmService    = `SYSTEM\CurrentControlSet\Services\CcmExec`
	ccmClient     = `SOFTWARE\Microsoft\SMS\Mobile Client`
	enrollments   = `SOFTWARE\Microsoft\Enrollments`
	mdmUpdate     = `SOFTWARE\Microsoft\PolicyManager\current\device\Update`
	disabled      = 4 // Start of a service that never starts
)

// winUpdater is one other patch service of Windows. This table is all that a take-over can do to a machine.
type winUpdater struct {
	name string
	// sign says whether the service is there, whether it acts by itself, and what says so.
	sign func(s settings) (there, on bool, evidence string)
	// values are set to turn it off. Without any a take-over is not offered.
	values []policyValue
}

// policyValue is a number in the registry.
type policyValue struct {
	key, name string
	number    uint32
}

func (v policyValue) place() string { return v.key + `\` + v.name }

func winUpdaters() []winUpdater {
	off := []policyValue{{autoPolicy, "NoAutoUpdate", 1}}
	return []winUpdater{
		{name: patch.ConfigMgr, sign: configMgrSign},
		{name: patch.Intune, sign: intuneSign},
		{name: patch.WindowsUpdate, values: off, sign: func(s settings) (bool, bool, string) { return updateSign(s, false) }},
		{name: patch.WSUS, values: off, sign: func(s settings) (bool, bool, string) { return updateSign(s, true) }},
	}
}

// winUpdaterStates lists the other patch services that are there, sorted by name.
func winUpdaterStates(s settings) (out []patch.UpdaterState) {
	for _, u := range winUpdaters() {
		if there, on, evidence := u.sign(s); there {
			out = append(out, patch.UpdaterState{Name: u.name, Enabled: on, Evidence: tidy(evidence, 400)})
		}
	}
	slices.SortFunc(out, func(a, b patch.UpdaterState) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// updateSign judges Windows Update, which serves Microsoft's servers or those that a policy names.
func updateSign(s settings, wsus bool) (there, on bool, evidence string) {
	start, there := s.number(updateService, "Start")
	server := s.text(updatePolicy, "WUServer")
	if use, _ := s.number(autoPolicy, "UseWUServer"); use != 1 {
		server = ""
	}
	if !there || wsus != (server != "") {
		return false, false, ""
	}
	if on, evidence = automatic(s); start == disabled {
		on, evidence = false, "the service wuauserv is disabled"
	}
	if wsus {
		evidence += `; HKLM\` + updatePolicy + " names the server " + tidy(server, 120)
	}
	for _, more := range deferrals(s) {
		evidence += "; " + more
	}
	return true, on, evidence
}

// automatic says whether Windows installs updates by itself: policies first, then, before Windows 10, what people chose.
func automatic(s settings) (on bool, evidence string) {
	if n, _ := s.number(autoPolicy, "NoAutoUpdate"); n == 1 {
		return false, `HKLM\` + autoPolicy + " has NoAutoUpdate 1"
	}
	n, set := s.number(autoPolicy, "AUOptions")
	from := autoPolicy
	if ten, _ := s.number(currentVersion, "CurrentMajorVersionNumber"); !set && ten < 10 {
		n, set = s.number(autoChoice, "AUOptions")
		from = autoChoice
	}
	if !set {
		return true, `no policy turns it off: HKLM\` + autoPolicy + " has no NoAutoUpdate"
	}
	words := map[uint32]string{1: "it never looks", 2: "it tells people and waits for them", 3: "it downloads by itself, and installs at shutdown or when told",
		4: "it installs by itself", 5: "people may choose", 7: "it installs by itself and lets people restart"}
	does, known := words[n]
	if !known {
		does = "its meaning is not known"
	}
	return n != 1 && n != 2, fmt.Sprintf(`HKLM\%s has AUOptions %d: %s`, from, n, does)
}

// deferrals names policies that delay, pin or hide updates of Windows: with any of them what the machine is offered is not what there is.
func deferrals(s settings) (out []string) {
	for _, kind := range []string{"Quality", "Feature"} {
		deferred, _ := s.number(updatePolicy, "Defer"+kind+"Updates")
		if days, set := s.number(updatePolicy, "Defer"+kind+"UpdatesPeriodInDays"); set && deferred == 1 {
			out = append(out, fmt.Sprintf("%s updates are deferred by %d days", strings.ToLower(kind), days))
		}
		if since := s.text(updatePolicy, "Pause"+kind+"UpdatesStartTime"); since != "" {
			out = append(out, strings.ToLower(kind)+" updates are paused since "+tidy(since, 30))
		}
	}
	if n, _ := s.number(updatePolicy, "TargetReleaseVersion"); n == 1 {
		out = append(out, "held at the release "+tidy(s.text(updatePolicy, "TargetReleaseVersionInfo"), 20))
	}
	for _, one := range []struct{ name, means string }{
		{"DisableWindowsUpdateAccess", "nobody may open Windows Update"},
		{"SetDisableUXWUAccess", "people may not look for updates"},
		{"DoNotConnectToWindowsUpdateInternetLocations", "Microsoft's servers are never asked"},
		{"DisableDualScan", "deferrals do not lead to Microsoft's servers"},
	} {
		if n, _ := s.number(updatePolicy, one.name); n == 1 {
			out = append(out, one.means+" ("+one.name+")")
		}
	}
	return out
}

// configMgrSign judges the client of Microsoft Configuration Manager (SCCM).
func configMgrSign(s settings) (there, on bool, evidence string) {
	start, there := s.number(ccmService, "Start")
	if !there {
		return false, false, ""
	}
	evidence = "the service CcmExec starts by itself"
	if start == disabled {
		evidence = "the service CcmExec is disabled"
	}
	if site := s.text(ccmClient, "AssignedSiteCode"); site != "" {
		evidence += "; its site is " + tidy(site, 20)
	}
	return true, start != disabled, evidence
}

// intuneSign judges an enrolment with Microsoft's device management.
func intuneSign(s settings) (there, on bool, evidence string) {
	for _, id := range s.keys(enrollments) {
		key := enrollments + `\` + id
		provider := s.text(key, "ProviderID")
		if !strings.EqualFold(provider, "MS DM Server") {
			continue
		}
		state, _ := s.number(key, "EnrollmentState")
		evidence = fmt.Sprintf(`HKLM\%s has EnrollmentState %d`, enrollments+`\`+tidy(id, 60), state)
		if n, set := s.number(mdmUpdate, "AllowAutoUpdate"); set {
			evidence += fmt.Sprintf("; its policy for updates is AllowAutoUpdate %d", n)
		}
		there = true
		if state == 1 {
			return true, true, evidence
		}
	}
	return there, false, evidence
}

func winUpdaterNamed(name string) (winUpdater, error) {
	all := winUpdaters()
	if i := slices.IndexFunc(all, func(u winUpdater) bool { return u.name == name }); i >= 0 {
		return all[i], nil
	}
	return winUpdater{}, patch.Errorf(patch.Invalid, "%.40q is not in the table of what Fettle can do", name)
}

// planValues says which values turning a service off would set. What somebody else has set so already is left alone.
func planValues(s settings, name string) (TakenOver, error) {
	u, err := winUpdaterNamed(name)
	if err != nil || len(u.values) == 0 {
		return TakenOver{}, patch.Errorf(patch.Invalid, "turning %.40q off is not in the table of what Fettle can do", name)
	}
	plan := TakenOver{Values: map[string]*uint32{}}
	for _, v := range u.values {
		switch was, there := s.number(v.key, v.name); {
		case !there:
			plan.Values[v.place()] = nil
		case was != v.number:
			plan.Values[v.place()] = &was
		}
	}
	return plan, nil
}

// takeValues sets what was planned.
func takeValues(s writable, name string, plan TakenOver) error {
	u, err := winUpdaterNamed(name)
	if err != nil {
		return err
	}
	for _, v := range u.values {
		if _, planned := plan.Values[v.place()]; !planned {
			continue
		}
		if err := s.set(v.key, v.name, v.number); err != nil {
			return patch.Errorf(patch.Unavailable, `cannot turn %s off: HKLM\%s: %w`, name, v.place(), err)
		}
	}
	return nil
}

// giveValues puts back what was there before, where a value is still as we set it.
func giveValues(s writable, name string, made TakenOver) error {
	u, err := winUpdaterNamed(name)
	if err != nil {
		return err
	}
	for _, v := range u.values {
		was, ours := made.Values[v.place()]
		if n, there := s.number(v.key, v.name); !ours || !there || n != v.number {
			continue // somebody made it theirs
		}
		if was == nil {
			err = s.remove(v.key, v.name)
		} else {
			err = s.set(v.key, v.name, *was)
		}
		if err != nil {
			return patch.Errorf(patch.Unavailable, `cannot give %s back: HKLM\%s: %w`, name, v.place(), err)
		}
	}
	return nil
}

// missingValues names what a take-over set that is not so any more.
func missingValues(s settings, name string, made TakenOver) (out []string) {
	u, _ := winUpdaterNamed(name)
	for _, v := range u.values {
		if _, ours := made.Values[v.place()]; !ours {
			continue
		}
		if n, there := s.number(v.key, v.name); !there || n != v.number {
			out = append(out, fmt.Sprintf(`the %d that was set in HKLM\%s`, v.number, v.place()))
		}
	}
	return out
}

// written is when a program was installed or brought up to date: when its entry was written, unless the day that its installer gives is later.
func written(entry time.Time, day string) time.Time {
	at, err := time.ParseInLocation("20060102", day, time.UTC)
	if err != nil || !entry.Before(at) {
		return entry.Truncate(time.Second)
	}
	return at
}

// programHand tells by the folder that Windows Installer took a program from who had it installed. Each service has a folder of its own.
func programHand(source string) (by string, who patch.Doer, evidence string) {
	lower := strings.ToLower(source)
	for _, one := range []struct {
		folder, by string
		who        patch.Doer
	}{
		{`\fettle\agent\setups\`, "fettle", patch.DoerFettle},
		{`\ccmcache\`, patch.ConfigMgr, patch.DoerService},
		{`\imecache\`, patch.Intune, patch.DoerService},
		{`\microsoft intune management extension\`, patch.Intune, patch.DoerService},
		{`\softwaredistribution\download\`, patch.WindowsUpdate, patch.DoerService},
	} {
		if strings.Contains(lower+`\`, one.folder) {
			return one.by, one.who, "InstallSource: " + tidy(source, 200)
		}
	}
	return "", patch.DoerUnknown, ""
}

// hotfixHand tells by what component servicing keeps of an update who had it installed. served says that Windows Update asks a server of one's
// own.
func hotfixHand(client string, served bool) (by string, who patch.Doer, evidence string) {
	if client == "" {
		return "", patch.DoerUnknown, ""
	}
	evidence = "InstallClient: " + tidy(client, 60)
	switch strings.ToLower(client) {
	case "windowsupdateagent", "updateagentlcu", "moupdateagent":
		if served {
			return patch.WSUS, patch.DoerService, evidence
		}
		return patch.WindowsUpdate, patch.DoerService, evidence
	}
	return tidy(client, 60), patch.DoerUnknown, evidence
}
