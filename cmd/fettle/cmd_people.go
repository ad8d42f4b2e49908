package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type usersCmd struct {
	List usersListCmd `cmd:"" default:"1" help:"List people."`
	Put  usersPutCmd  `cmd:"" help:"Create a person, or change role, password or access."`
}

type usersListCmd struct{}

func (usersListCmd) Help() string { return "Example:\n  fettle users --json" }

func (usersListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("users"), nil, func(w io.Writer, l api.List[patch.User]) {
		t := table{columns: []column{{title: "user", flex: true}, {title: "role"}, {title: "since"}, {title: "disabled"}}}
		for _, u := range l.Items {
			t.add(u.Name, string(u.Role), when(u.CreatedAt), yesNo(u.Disabled))
		}
		t.print(w, s.width)
	})
}

type usersPutCmd struct {
	Name          string `arg:"" help:"The person's name."`
	Role          string `enum:"admin,operator,auditor" required:"" help:"admin: everything; operator: decides and deploys; auditor: reads." placeholder:"ROLE"`
	Disabled      bool   `help:"The person may not sign in."`
	KeepPassword  bool   `help:"Leave the password as it is."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the new password from standard input."`
}

func (usersPutCmd) Help() string {
	return `Examples:
  fettle users put m.keller --role operator
  fettle users put m.keller --role operator --disabled --keep-password`
}

func (c usersPutCmd) Run(ctx context.Context, s *screen) error {
	in := api.UserRequest{Role: patch.Role(c.Role), Disabled: c.Disabled}
	if !c.KeepPassword {
		var err error
		if in.Password, err = s.password(c.PasswordStdin, "New password for "+c.Name+": "); err != nil {
			return err
		}
	}
	return tell(ctx, s, http.MethodPut, api.Path("users", c.Name), in, func(w io.Writer, u patch.User) {
		line(w, "%s is %s.", clean(u.Name), u.Role)
	})
}

type auditCmd struct {
	List   auditListCmd   `cmd:"" default:"withargs" help:"List what people did, newest first."`
	Verify auditVerifyCmd `cmd:"" help:"Check that no entry was changed or taken out."`
}

type auditListCmd struct {
	Since string `help:"Only after this moment: 2026-12-01, \"2026-12-01 18:00\", or a span such as 7d ago." placeholder:"TIME"`
	Limit int    `default:"50" help:"At most so many."`
}

func (auditListCmd) Help() string {
	return "Examples:\n  fettle audit\n  fettle audit list --since 2026-11-01 --json"
}

func (c auditListCmd) Run(ctx context.Context, s *screen) error {
	since, err := parsePast(c.Since, time.Now())
	if err != nil {
		return err
	}
	q := query{}.set("limit", strconv.Itoa(c.Limit))
	if !since.IsZero() {
		q.set("since", since.UTC().Format(time.RFC3339))
	}
	return ask(ctx, s, api.Path("audit"), q, func(w io.Writer, l api.List[patch.AuditEntry]) {
		t := table{columns: []column{{title: "#", right: true}, {title: "at"}, {title: "who"}, {title: "from"}, {title: "action"}, {title: "object", flex: true}, {title: "detail", flex: true}}}
		for _, e := range l.Items {
			t.add(strconv.FormatInt(e.Seq, 10), when(e.At), e.Who, e.From, e.Action, e.Object, e.Detail)
		}
		t.print(w, s.width)
	})
}

type auditVerifyCmd struct{}

func (auditVerifyCmd) Help() string {
	return "Exits with 1 if the log was tampered with.\n\nExample:\n  fettle audit verify"
}

func (auditVerifyCmd) Run(ctx context.Context, s *screen) error {
	ok := false
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := api.Get[api.AuditProof](ctx, client, api.Path("audit", "verify"), nil)
	if err != nil {
		return err
	}
	ok = p.OK
	if err := s.show(p, func(w io.Writer) { line(w, "%s", clean(p.Text)) }); err != nil {
		return err
	}
	if !ok {
		return errNo
	}
	return nil
}
