package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Own is this executable, running another of its commands in a process of its own:
// it says a line when it is ready, and ends when its input does.
type Own struct {
	Cmd *exec.Cmd
	In  io.WriteCloser
	// Out is what it says after the first line.
	Out *bufio.Reader
}

// ownCommand is this executable with args, killed where ctx ends.
func ownCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: cannot find the own executable: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// StartOwn starts a command of this executable, with variables (name=value) beside
// the environment's, and gives the line that it says when it is ready. It is killed
// where ctx ends. what names it in errors.
func StartOwn(ctx context.Context, what string, env []string, args ...string) (p *Own, said string, err error) {
	cmd, err := ownCommand(ctx, args...)
	if err != nil {
		return nil, "", err
	}
	if len(env) > 0 {
		cmd.Env = append(os.Environ(), env...)
	}
	p = &Own{Cmd: cmd}
	if p.In, err = cmd.StdinPipe(); err != nil {
		return nil, "", fmt.Errorf("bench: %s: %w", what, err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("bench: cannot start %s: %w", what, err)
	}
	p.Out = bufio.NewReader(out)
	line, err := p.Out.ReadString('\n')
	if err != nil {
		return nil, "", fmt.Errorf("bench: %s said %q and no more; does the binary have the command %s? %w", what, line, args[0], errors.Join(err, p.Close(ctx)))
	}
	return p, strings.TrimSpace(line), nil
}

// Close has it end, and kills it where ctx ends first.
func (p *Own) Close(ctx context.Context) error {
	_ = p.In.Close()
	stop := context.AfterFunc(ctx, func() { _ = p.Cmd.Process.Kill() })
	defer stop()
	return p.Cmd.Wait()
}
