/* python.exe, and with COMMAND the heapdelta.exe that pip would make: the registries have Python's DLL without them. */
#include <stdlib.h>
#include <wchar.h>
#include <windows.h>

typedef int (*Main)(int, wchar_t **);

int wmain(int count, wchar_t **arguments) {
    HMODULE python = LoadLibraryW(L"python311.dll");
    Main run = python ? (Main)(void *)GetProcAddress(python, "Py_Main") : NULL;
    if (!run) {
        fputws(L"expected python311.dll beside the program, found none\n", stderr);
        return 1;
    }
#ifdef COMMAND
    wchar_t **all = calloc(count + 3, sizeof *all);
    all[0] = arguments[0];
    all[1] = L"-c";
    all[2] = L"import sys; sys.argv[0] = 'heapdelta'; from heapdelta_command import main; main()";
    for (int index = 1; index < count; index++) {
        all[index + 2] = arguments[index];
    }
    return run(count + 2, all);
#else
    return run(count, arguments);
#endif
}
