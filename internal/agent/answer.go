package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// Whoever works on a machine answers a restart that was announced. Most people who do are not its administrators, and may not read what the agent
// keeps: they speak to the agent through a socket, and the kernel says who they are. An administrator's answer also comes through a file, for
// an agent that does not run just now.

// rebootAnswer is what an administrator says to a restart that was announced, in a file.
type rebootAnswer struct {
	At  time.Time `json:"at"`
	Now bool      `json:"now"` // restart now; else put it off
}

// answerTime bounds how long one person's answer takes.
const answerTime = 3 * time.Second

// putOff gives until when a restart is put off by an answer now, or why it cannot be.
func (due rebootDue) putOff(now time.Time) (time.Time, error) {
	deadline := due.Policy.DeadlineOf(due.Since)
	switch {
	case now.Before(due.Until):
		return due.Until, patch.Errorf(patch.Conflict, "the restart is put off until %s already; it can be put off again then", clockOf(due.Until, now))
	case due.Put >= due.Policy.Snoozes:
		return now, patch.Errorf(patch.Exhausted, "the restart was put off %d of %d times and cannot be any more; it comes at %s", due.Put, due.Policy.Snoozes, clockOf(laterOf(now, due.latest()), now))
	case !now.Before(deadline):
		return now, patch.Errorf(patch.Exhausted, "the restart cannot be put off any more: its time was %s", clockOf(deadline, now))
	}
	until := now.Add(time.Duration(due.Policy.Snooze) * time.Minute)
	if until.After(deadline) {
		until = deadline
	}
	return until, nil
}

// mayAnswer says why a restart takes no answer; nil where it does.
func (due *rebootDue) mayAnswer() error {
	switch {
	case due == nil || due.Stopped != "" || !due.Begun.IsZero():
		return patch.Errorf(patch.NotFound, "no restart of this machine is due")
	case due.Policy.Mode != patch.RebootAsk:
		return patch.Errorf(patch.Forbidden, "this restart is announced and not asked for: it cannot be put off or brought forward")
	}
	return nil
}

// answers says what an answer comes to.
func (due rebootDue) answers(now bool, at time.Time) (string, error) {
	if err := due.mayAnswer(); err != nil || now {
		return "The machine restarts in a moment.", err
	}
	until, err := due.putOff(at)
	return fmt.Sprintf("The restart is put off until %s (%d of %d times). It comes at %s at the latest.", clockOf(until, at), due.Put+1, due.Policy.Snoozes,
		clockOf(laterOf(until, due.latest()), at)), err
}

// takeAnswer acts on an answer, and says what comes of it.
func (s *session) takeAnswer(now bool, by string) (text string, err error) {
	at := s.clock()
	due := s.get().Reboot
	if err := due.mayAnswer(); err != nil {
		return "", err
	}
	if text, err = due.answers(now, at); err != nil {
		return "", err
	}
	if why := s.rebootHindered(*due, at); why != "" {
		return "", patch.Errorf(patch.Conflict, "nothing is to be answered now: the restart waits because %s", why)
	}
	s.log.Info("somebody answered to a restart", "by", by, "now", now)
	return text, s.due(func(d *rebootDue) {
		if now {
			d.Until, d.At, d.By = time.Time{}, at, by
			return
		}
		until, _ := d.putOff(at)
		d.Put, d.Until, d.At, d.By = d.Put+1, until, time.Time{}, by
	})
}

// hear takes the answer that an administrator has left in a file since.
func (s *session) hear(due rebootDue, now time.Time) (bool, error) {
	var answer rebootAnswer
	found, err := s.files.readJSON(s.files.answer(), &answer)
	if !found {
		return false, nil
	}
	if err := s.files.on().Remove(s.files.answer()); err != nil {
		return false, err
	}
	if err != nil || due.Policy.Mode != patch.RebootAsk || answer.At.Before(due.Since) {
		return false, nil
	}
	if _, err = s.takeAnswer(answer.Now, "root"); err != nil {
		s.cfg.Announce(s.cfg.Terminals(), "This restart cannot be put off any more.")
		return false, nil
	}
	return true, nil
}

// AnswerReboot gives an answer to the agent that runs: restart now, or put it off. It says what comes of that; NotFound where nothing is due.
func AnswerReboot(cfg Config, now bool) (string, error) {
	cfg = cfg.withDefaults()
	if cfg.AnswerSocket != "" {
		word := "snooze"
		if now {
			word = "now"
		}
		text, err := tell(cfg.AnswerSocket, word)
		if !errors.Is(err, errNobodyListens) {
			return text, err
		}
	}
	l := layout{dir: cfg.StateDir}
	var st state
	if _, err := readJSON(l.state(), &st); errors.Is(err, fs.ErrPermission) {
		return "", &patch.Error{Kind: patch.Forbidden, What: "the agent of this machine does not run, so nothing restarts it now, and only an administrator may leave it an answer"}
	} else if err != nil {
		return "", err
	}
	if err := st.Reboot.mayAnswer(); err != nil {
		return "", err
	}
	text, err := st.Reboot.answers(now, cfg.Now())
	if err != nil {
		return "", err
	}
	return text, writeJSON(l.answer(), rebootAnswer{At: cfg.Now().UTC(), Now: now})
}

// AskReboot asks the agent that runs when the machine restarts, as anybody on it may; NotFound where nothing is due.
func AskReboot(cfg Config) (string, error) {
	text, err := tell(cfg.AnswerSocket, "when")
	if errors.Is(err, errNobodyListens) {
		return "", &patch.Error{Kind: patch.Unavailable, What: "the agent of this machine does not run, so nothing restarts it now"}
	}
	return text, err
}

// whenIsIt says when the machine restarts, or what that waits for.
func (s *session) whenIsIt() (string, error) {
	due, now := s.get().Reboot, s.clock()
	text := s.rebootText()
	switch {
	case text == "":
		return "", patch.Errorf(patch.NotFound, "no restart of this machine is due")
	case strings.HasPrefix(text, "reboot announced"):
		return s.notice(*due, due.At, now), nil
	}
	return "The restart of this machine: " + strings.TrimPrefix(text, "reboot ") + ".", nil
}

// errNobodyListens says that no agent takes answers.
var errNobodyListens = errors.New("no agent takes answers")

// tell gives an answer through the agent's socket: a word, and then what comes of it in a line that begins with "yes" or "no".
func tell(socket, word string) (string, error) {
	c, err := net.DialTimeout("unix", socket, answerTime)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNobodyListens, err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * answerTime)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, word+"\n"); err != nil {
		return "", patch.Errorf(patch.Unavailable, "the agent did not take the answer: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(c, 4<<10))
	verdict, text, ok := strings.Cut(strings.TrimSpace(string(b)), " ")
	switch {
	case err != nil || !ok:
		return "", patch.Errorf(patch.Unavailable, "the agent did not say what came of the answer: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	case verdict != "yes":
		return "", patch.Errorf(patch.Conflict, "%s", text)
	}
	return text, nil
}

// listen takes answers from everybody on the machine while the agent runs.
func (l *loop) listen(ctx context.Context) error {
	if l.cfg.AnswerSocket == "" {
		return nil
	}
	if at, err := os.Lstat(l.cfg.AnswerSocket); err == nil && at.Mode().Type() == fs.ModeSocket {
		_ = os.Remove(l.cfg.AnswerSocket) // of an agent that was killed: this one has the lock
	}
	door, err := net.ListenUnix("unix", &net.UnixAddr{Name: l.cfg.AnswerSocket})
	if err == nil {
		err = os.Chmod(l.cfg.AnswerSocket, 0o666)
	}
	if err != nil {
		l.log.Warn("only an administrator can answer restarts on this machine", "err", err)
		return nil
	}
	defer context.AfterFunc(ctx, func() { _ = door.Close() })()
	for {
		c, err := door.AcceptUnix()
		if err == nil {
			l.answerOne(c)
		} else if ctx.Err() != nil || sleep(ctx, time.Second) != nil {
			return nil
		}
	}
}

// answerOne hears one person.
func (l *loop) answerOne(c *net.UnixConn) {
	defer c.Close()
	if c.SetDeadline(time.Now().Add(answerTime)) != nil {
		return
	}
	b := make([]byte, 16)
	n, _ := c.Read(b)
	text, err := l.heard(c, strings.TrimSpace(string(b[:n])))
	if err != nil {
		_, _ = fmt.Fprintf(c, "no %s\n", err)
		return
	}
	poke(l.wake)
	_, _ = fmt.Fprintf(c, "yes %s\n", text)
}

func (l *loop) heard(c *net.UnixConn, word string) (string, error) {
	if word == "when" {
		return l.whenIsIt()
	}
	if word != "now" && word != "snooze" {
		return "", patch.Errorf(patch.Invalid, "that is not an answer")
	}
	who, err := host.PeerOf(c)
	if err != nil {
		return "", err
	}
	if word == "now" && !who.Root && slices.ContainsFunc(l.cfg.Terminals(), func(t string) bool { return !who.Owns(t) }) {
		return "", patch.Errorf(patch.Forbidden, "others work on this machine too, so only an administrator restarts it now")
	}
	return l.takeAnswer(word == "now", who.Name)
}
