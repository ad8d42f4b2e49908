package agent

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// DefaultStateDir is where an agent keeps its state unless its owner says otherwise.
func DefaultStateDir() string { return filepath.Join(programData(), "Fettle", "agent") }

// DefaultPolicyFile is where the machine's owner keeps the local policy.
func DefaultPolicyFile() string { return filepath.Join(programData(), "Fettle", "policy.txt") }

// DefaultHookDir is where hooks would be, once this agent runs any.
func DefaultHookDir() string { return filepath.Join(programData(), "Fettle", "hooks") }

// DefaultAnswerSocket is empty: only administrators answer restarts on Windows.
func DefaultAnswerSocket() string { return "" }

func programData() string {
	dir, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		return filepath.Join(os.Getenv("SystemDrive")+`\`, "ProgramData")
	}
	return dir
}

// keepPrivate lets only the system and administrators into a directory: it inherits nothing from above.
func keepPrivate(dir string) error {
	sd, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
	if err != nil {
		return err
	}
	list, _, err := sd.DACL()
	if err != nil {
		return err
	}
	return windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION,
		nil, nil, list, nil)
}

// syncsDirs is false: NTFS journals names itself, and Windows flushes no directory.
const syncsDirs = false
