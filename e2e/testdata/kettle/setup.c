/* An installer as installers are: it does what it was built to do, and says how it ended. */
#include <windows.h>
#include <string.h>

int WINAPI WinMain(HINSTANCE self, HINSTANCE before, LPSTR line, int show)
{
    if (!strstr(line, "/S"))
        return 87; /* nobody asked it to be silent */
#ifdef HANGS
    if (!strstr(line, "/child")) {
        char me[MAX_PATH + 16];
        STARTUPINFOA start = { sizeof start };
        PROCESS_INFORMATION child;
        GetModuleFileNameA(NULL, me, MAX_PATH);
        CreateProcessA(me, "setup /S /child", NULL, NULL, FALSE, 0, NULL, NULL, &start, &child);
    }
    Sleep(INFINITE);
#endif
#ifdef PROGRAM
    {
        const char *key = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\" PROGRAM;
        RegSetKeyValueA(HKEY_LOCAL_MACHINE, key, "DisplayName", REG_SZ, PROGRAM, sizeof PROGRAM);
        RegSetKeyValueA(HKEY_LOCAL_MACHINE, key, "DisplayVersion", REG_SZ, "2.0", 4);
    }
#endif
    return CODE;
}
