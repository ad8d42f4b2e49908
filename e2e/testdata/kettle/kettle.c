#include <windows.h>

int WINAPI WinMain(HINSTANCE self, HINSTANCE before, LPSTR line, int show)
{
    return 0;
}
