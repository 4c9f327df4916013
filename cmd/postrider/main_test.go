package main

import (
	"context"
	goflag "flag" // the package has a flag of its own
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary double as postrider, for the scripts.
func TestMain(m *testing.M) {
	// They mostly wait for processes of their own: four times as many at a time as
	// there are cores keep the cores busy. -parallel goes before it.
	if err := goflag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testscript.Main(closing{m}, map[string]func(){
		"postrider": func() {
			os.Exit(Run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// closing are the tests, and the end of what they share.
type closing struct{ *testing.M }

func (c closing) Run() int {
	defer endChromium()
	return c.M.Run()
}

// TestScripts runs testdata/scripts: each is a command's specification, with
// $SERVER a fake of the API that tells by "requests" what it was asked.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/scripts",
		Setup: func(env *testscript.Env) error {
			f := newFakeAPI()
			env.Defer(f.server.Close)
			env.Values["fake"] = f
			env.Vars = append(env.Vars, endsAtOnce)
			env.Setenv("SERVER", f.server.URL)
			env.Setenv("POSTRIDER_TOKEN", "script-token")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"requests": func(ts *testscript.TestScript, _ bool, _ []string) {
				_, err := ts.Stdout().Write([]byte(ts.Value("fake").(*fakeAPI).takeLog()))
				ts.Check(err)
			},
		},
	})
}
