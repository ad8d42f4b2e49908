package patch

// Names of patch services other than Fettle, as history, inventory and policies know them.
const (
	UnattendedUpgrades = "unattended-upgrades"
	DNFAutomatic       = "dnf-automatic"
	PackageKit         = "packagekit"
	CronApt            = "cron-apt"
	Landscape          = "landscape"
)

// Doer is what kind of hand changed a machine's packages, as far as the machine's own history tells.
type Doer string

const (
	DoerUnknown Doer = ""        // history does not tell, or names a command that anybody may have started
	DoerFettle  Doer = "fettle"  // an installation of ours
	DoerService Doer = "service" // another patch service, which By names
	DoerPerson  Doer = "person"  // somebody at a terminal; By names them where history does
)

// Outside reports whether a verdict was moved by a hand other than Fettle's.
func (c Cause) Outside() bool { return c == ByService || c == ByPerson || c == ByOther }

// Words says what moved a verdict, for people.
func (c Cause) Words() string {
	switch c {
	case FirstDetect:
		return "first detect"
	case ByFettle:
		return "by Fettle"
	case ByService:
		return "by another service"
	case ByPerson:
		return "by a person"
	case ByOther:
		return "by something else"
	case CatalogChange:
		return "the catalog changed"
	case OSChange:
		return "the OS changed"
	}
	return string(c)
}
