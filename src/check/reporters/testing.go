// Put into package testing: writes down how each test ended, one JSON object a line, where no test can print.

package testing

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

var tidegate struct {
	sync.Mutex
	file   *os.File
	folder string
}

// Begun by a program of tests alone, and by those that it starts no more.
func tidegateBegin() {
	reports := os.Getenv("TIDEGATE_GO_REPORTS")
	root := os.Getenv("TIDEGATE_GO_ROOT")
	flags := os.Getenv("TIDEGATE_GO_BEFORE")
	if reports == "" {
		return
	}
	for _, name := range []string{"TIDEGATE_GO_REPORTS", "TIDEGATE_GO_ROOT", "TIDEGATE_GO_BEFORE"} {
		os.Unsetenv(name)
	}
	os.Setenv("GOFLAGS", flags)
	folder, _ := os.Getwd()
	tidegate.folder = folder
	if folder == root {
		tidegate.folder = "."
	} else if strings.HasPrefix(folder, root+"/") {
		tidegate.folder = "." + folder[len(root):]
	}
	for number := 0; ; number++ {
		name := reports + "/go-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(number) + ".jsonl"
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			tidegate.file = file
			break
		}
		if !os.IsExist(err) {
			panic("a report of tests cannot be written: " + err.Error())
		}
	}
	tidegateTell(`{"event":"start"}`)
}

func tidegateTell(line string) {
	tidegate.Lock()
	defer tidegate.Unlock()
	if tidegate.file != nil {
		tidegate.file.WriteString(line + "\n")
	}
}

// Names of tests hold nothing that cannot be printed.
func tidegateName(name string) string {
	return strconv.Quote(tidegate.folder + " " + name)
}

func tidegateStart(name string) {
	if name != "" {
		tidegateTell(`{"event":"collected","tests":[` + tidegateName(name) + `]}`)
	}
}

func tidegateResult(name string, failed, skipped bool) {
	if name == "" {
		return
	}
	outcome := "passed"
	if failed {
		outcome = "failed"
	} else if skipped {
		outcome = "skipped"
	}
	tidegateTell(`{"event":"result","test":` + tidegateName(name) + `,"outcome":"` + outcome + `"}`)
}

// The program is about to be taken down by a panic in a test.
func tidegateFell(name string) {
	for name != "" {
		tidegateResult(name, true, false)
		at := strings.LastIndexByte(name, '/')
		if at < 0 {
			at = 0
		}
		name = name[:at]
	}
	tidegateTell(`{"event":"end","status":2,"fell":true}`)
}

func tidegateExample(name string, passed bool) bool {
	tidegateResult(name, !passed, false)
	return passed
}

func tidegateEnd(code *int) {
	tidegateTell(`{"event":"end","status":` + strconv.Itoa(*code) + `}`)
}
