package patch

// AttemptTally is a deployment's attempts in numbers.
type AttemptTally struct {
	Deployment        string
	Counts            AttemptCounts
	Bytes, TotalBytes int64
}

// AttemptCounts is a number of attempts per state, and what detects proved of those that are done.
type AttemptCounts struct {
	Total        int `json:"total"`
	Waiting      int `json:"waiting"`
	Downloading  int `json:"downloading"`
	Installing   int `json:"installing"`
	Done         int `json:"done"`
	Failed       int `json:"failed"`
	Withdrawn    int `json:"withdrawn"`
	Verified     int `json:"verified"`      // of Done
	NotEffective int `json:"not_effective"` // of Done
	Unproven     int `json:"unproven"`      // of Done: no complete detect since
	RebootOwed   int `json:"reboot_owed"`
}

// Add counts one more.
func (c *AttemptCounts) Add(a Attempt) {
	c.Total++
	switch a.State {
	case ExecDownloading:
		c.Downloading++
	case ExecInstalling:
		c.Installing++
	case ExecFailed:
		c.Failed++
	case ExecWithdrawn:
		c.Withdrawn++
	case ExecDone:
		c.Done++
		switch a.Effect {
		case EffectVerified, EffectNeedsReboot, EffectRolledBack:
			c.Verified++
		case EffectNotEffective:
			c.NotEffective++
		case EffectNone:
			if a.VerifiedSeq == 0 {
				c.Unproven++
			}
		}
	default:
		c.Waiting++
	}
	if a.RebootOwed && (a.State == ExecDone || a.State == ExecFailed) {
		c.RebootOwed++
	}
}

// Open is how many have not ended.
func (c AttemptCounts) Open() int { return c.Waiting + c.Downloading + c.Installing }

// Stage names attempts that stand alike, as the counts of a deployment name them. The empty one is all.
type Stage string

const (
	StageWaiting      Stage = "waiting"
	StageMoving       Stage = "moving"    // downloading or installing
	StageInstalled    Stage = "installed" // whatever a detect says of it
	StageFailed       Stage = "failed"
	StageWithdrawn    Stage = "withdrawn"
	StageVerified     Stage = "verified"
	StageNotEffective Stage = "not_effective"
	StageUnproven     Stage = "unproven" // done, and no complete detect since
	StageRebootOwed   Stage = "reboot_owed"
)

// In reports whether an attempt stands so.
func (s Stage) In(a Attempt) bool {
	var c AttemptCounts
	c.Add(a)
	switch s {
	case StageWaiting:
		return c.Waiting > 0
	case StageMoving:
		return c.Downloading+c.Installing > 0
	case StageInstalled:
		return c.Done > 0
	case StageFailed:
		return c.Failed > 0
	case StageWithdrawn:
		return c.Withdrawn > 0
	case StageVerified:
		return c.Verified > 0
	case StageNotEffective:
		return c.NotEffective > 0
	case StageUnproven:
		return c.Unproven > 0
	case StageRebootOwed:
		return c.RebootOwed > 0
	}
	return s == ""
}
