/* patch FILE PRODUCT PATCH: makes a patch of Windows Installer (.msp) for Kettle: its version becomes 2.0.0. */
#define COBJMACROS
#include <windows.h>
#include <initguid.h>
#include <ole2.h>
#include <stdio.h>

DEFINE_GUID(patchClass, 0xC1086, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46);
DEFINE_GUID(transformClass, 0xC1082, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46);

#define MODE (STGM_CREATE | STGM_READWRITE | STGM_SHARE_EXCLUSIVE)

static void must(HRESULT r, const char *what)
{
	if (FAILED(r)) {
		printf("%s: %lx\n", what, r);
		exit(1);
	}
}

static void put(IStorage *to, const WCHAR *name, const void *bytes, DWORD n)
{
	IStream *s;
	must(IStorage_CreateStream(to, name, MODE, 0, 0, &s), "stream");
	must(IStream_Write(s, bytes, n, NULL), "write");
	IStream_Release(s);
}

/* Tables are streams whose names are packed, two letters in one. */
static void table(IStorage *to, const char *name, const void *bytes, DWORD n)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
	WCHAR packed[32] = {0x4840};
	int at = 1;
	while (*name) {
		int c = strchr(letters, *name++) - letters;
		packed[at++] = *name ? 0x3800 + c + ((strchr(letters, *name) - letters) << 6) : 0x4800 + c;
		if (*name)
			name++;
	}
	put(to, packed, bytes, n);
}

/* strings writes the texts that the tables name by number, from 1. */
static void strings(IStorage *to, const char **all, int n)
{
	WORD pool[64] = {1252, 0};
	char data[1024];
	int at = 0;
	for (int i = 0; i < n; i++) {
		pool[2 + 2 * i] = strlen(all[i]);
		pool[3 + 2 * i] = 1;
		memcpy(data + at, all[i], strlen(all[i]));
		at += strlen(all[i]);
	}
	table(to, "_StringPool", pool, 4 + 4 * n);
	table(to, "_StringData", data, at);
}

struct property { DWORD id; const char *text; DWORD number; };

/* summary writes what the file, or a transform in it, says about itself ([MS-OLEPS]). */
static void summary(IStorage *to, const struct property *all, int n)
{
	static const BYTE head[48] = {0xfe, 0xff, 0, 0, 5, 1, 2, 0, [24] = 1, [28] = 0xe0, 0x85, 0x9f, 0xf2, 0xf9, 0x4f, 0x68, 0x10, 0xab, 0x91, 8, 0, 0x2b, 0x27, 0xb3, 0xd9, 48};
	BYTE b[2048] = {0};
	DWORD *section = (DWORD *)(b + 48), at = 8 + 8 * n;
	memcpy(b, head, 48);
	section[1] = n;
	for (int i = 0; i < n; i++) {
		DWORD *value = (DWORD *)((BYTE *)section + at);
		section[2 + 2 * i] = all[i].id;
		section[3 + 2 * i] = at;
		value[0] = all[i].text ? VT_LPSTR : VT_I4;
		value[1] = all[i].text ? strlen(all[i].text) + 1 : all[i].number;
		if (all[i].text)
			strcpy((char *)(value + 2), all[i].text);
		at += 8 + (all[i].text ? (value[1] + 3) / 4 * 4 : 0);
	}
	section[0] = at;
	put(to, L"\005SummaryInformation", b, 48 + at);
}

int main(int argc, char **argv)
{
	IStorage *file, *part;
	WCHAR name[260];
	char both[200];
	const char *product = argv[2], *patch = argv[3];
	if (argc != 4)
		return 2;
	MultiByteToWideChar(CP_ACP, 0, argv[1], -1, name, 260);
	must(StgCreateDocfile(name, MODE | STGM_DIRECT, 0, &file), "file");
	must(IStorage_SetClass(file, &patchClass), "class");
	strings(file, NULL, 0);
	summary(file, (struct property[]){{2, "Kettle 2.0"}, {7, product}, {8, ":T1;:#T1"}, {9, patch}, {15, NULL, 5}, {19, NULL, 2}}, 6);

	/* T1 is what changes in the product, #T1 what the installer itself needs to know of the patch: nothing, where no file is patched. */
	for (int i = 0; i < 2; i++) {
		must(IStorage_CreateStorage(file, i ? L"#T1" : L"T1", MODE, 0, 0, &part), "storage");
		must(IStorage_SetClass(part, &transformClass), "class");
		snprintf(both, sizeof both, "%s1.0.0;%s2.0.0;{6A1F3A52-5B3F-4B8E-9F5A-0C6F0F0D2B11}", product, product);
		summary(part, (struct property[]){{7, "x64;1033"}, {8, "x64;1033"}, {9, both}, {14, NULL, 200}, {16, NULL, 0}, {19, NULL, 2}}, 6);
		strings(part, (const char *[]){"ProductVersion", "2.0.0"}, i ? 0 : 2);
		if (!i)
			table(part, "Property", (WORD[]){2, 1, 2}, 6); /* the second column of the row ProductVersion */
		IStorage_Release(part);
	}
	IStorage_Release(file);
	return 0;
}
