# Installs the Fettle agent, or brings it up to date, and enrols this machine with the token that comes on standard input.
# It trusts the appliance's own certificate authority, below, and programs of the hashes below, and nothing else.
$ErrorActionPreference = 'Stop'
$server = '{{.Server}}'
$folder = Join-Path $env:ProgramFiles 'Fettle'
$program = Join-Path $folder 'fettle-agent.exe'
$agents = @{
{{range .Agents}}{{if and (eq .OS "windows") (eq .Format "program")}}    '{{.Arch}}' = '{{.Hash}}'
{{end}}{{end}}}

$me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { throw 'Run this as an administrator.' }
$token = [Console]::In.ReadLine()
if (-not $token) { throw 'Give the enrolment token on standard input.' }

$arch = if ($env:PROCESSOR_ARCHITECTURE -eq 'ARM64') { 'arm64' } else { 'amd64' }
$want = $agents[$arch]
if (-not $want) { throw "The appliance has no agent for windows/${arch}: an administrator adds it there with fettle agents add." }

# A folder that only administrators and the system can write to, and read: the token is in it for a moment.
$work = Join-Path $folder 'install'
New-Item -ItemType Directory -Force $work | Out-Null
& icacls.exe $work /inheritance:r /grant '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-18:(OI)(CI)F' | Out-Null
try {
    $ca = Join-Path $work 'ca.pem'
    Set-Content -Path $ca -Encoding Ascii -Value @'
{{.CA}}
'@
    $options = Join-Path $work 'curlrc'
    Set-Content -Path $options -Encoding Ascii -Value ('header = "Authorization: Bearer ' + $token.Split('.')[1] + '"')
    $new = Join-Path $work 'fettle-agent.exe'
    & curl.exe -fsS --ssl-no-revoke --cacert $ca --config $options -o $new "$server/v1/agents/windows/$arch"
    if ($LASTEXITCODE -ne 0) { throw "Cannot fetch the agent from ${server}: is the token still good?" }
    if ((Get-FileHash -Algorithm SHA256 $new).Hash -ne $want) { throw 'The agent that came is not the one that the appliance has: nothing was installed.' }
    if (Get-Service FettleAgent -ErrorAction SilentlyContinue) { & $program service stop }
    Move-Item -Force $new $program
}
finally {
    Remove-Item -Recurse -Force $work
}
& icacls.exe $program /inheritance:r /grant '*S-1-5-32-544:F' '*S-1-5-18:F' '*S-1-5-32-545:RX' | Out-Null

& $program status | Out-Null
if ($LASTEXITCODE -ne 0) {
    $token | & $program enrol --server $server --token '-'
    if ($LASTEXITCODE -ne 0) { throw 'The machine is not enrolled.' }
}
& $program service install
& $program service start
