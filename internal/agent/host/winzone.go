package host

// zoneOfWindows gives the IANA name for a time zone as Windows calls it (TimeZoneKeyName), by the zone's main place in Unicode's table of
// them; empty for one that is not in this part of it.
func zoneOfWindows(name string) string {
	return map[string]string{
		"UTC": "Etc/UTC", "GMT Standard Time": "Europe/London", "Greenwich Standard Time": "Atlantic/Reykjavik", "W. Europe Standard Time": "Europe/Berlin",
		"Central Europe Standard Time": "Europe/Budapest", "Romance Standard Time": "Europe/Paris", "Central European Standard Time": "Europe/Warsaw",
		"W. Central Africa Standard Time": "Africa/Lagos", "GTB Standard Time": "Europe/Bucharest", "FLE Standard Time": "Europe/Kiev", "E. Europe Standard Time": "Europe/Chisinau",
		"Egypt Standard Time": "Africa/Cairo", "South Africa Standard Time": "Africa/Johannesburg", "Israel Standard Time": "Asia/Jerusalem", "Jordan Standard Time": "Asia/Amman",
		"Middle East Standard Time": "Asia/Beirut", "Turkey Standard Time": "Europe/Istanbul", "Kaliningrad Standard Time": "Europe/Kaliningrad", "Russian Standard Time": "Europe/Moscow",
		"Belarus Standard Time": "Europe/Minsk", "Arabic Standard Time": "Asia/Baghdad", "Arab Standard Time": "Asia/Riyadh", "E. Africa Standard Time": "Africa/Nairobi",
		"Iran Standard Time": "Asia/Tehran", "Arabian Standard Time": "Asia/Dubai", "Azerbaijan Standard Time": "Asia/Baku", "Georgian Standard Time": "Asia/Tbilisi",
		"Caucasus Standard Time": "Asia/Yerevan", "Afghanistan Standard Time": "Asia/Kabul", "West Asia Standard Time": "Asia/Tashkent", "Pakistan Standard Time": "Asia/Karachi",
		"Ekaterinburg Standard Time": "Asia/Yekaterinburg", "India Standard Time": "Asia/Calcutta", "Sri Lanka Standard Time": "Asia/Colombo", "Nepal Standard Time": "Asia/Katmandu",
		"Bangladesh Standard Time": "Asia/Dhaka", "Myanmar Standard Time": "Asia/Rangoon", "SE Asia Standard Time": "Asia/Bangkok", "China Standard Time": "Asia/Shanghai",
		"Singapore Standard Time": "Asia/Singapore", "Taipei Standard Time": "Asia/Taipei", "W. Australia Standard Time": "Australia/Perth", "Korea Standard Time": "Asia/Seoul",
		"Tokyo Standard Time": "Asia/Tokyo", "Cen. Australia Standard Time": "Australia/Adelaide", "AUS Central Standard Time": "Australia/Darwin",
		"E. Australia Standard Time": "Australia/Brisbane", "AUS Eastern Standard Time": "Australia/Sydney", "Tasmania Standard Time": "Australia/Hobart",
		"New Zealand Standard Time": "Pacific/Auckland", "Fiji Standard Time": "Pacific/Fiji", "Hawaiian Standard Time": "Pacific/Honolulu", "Alaskan Standard Time": "America/Anchorage",
		"Pacific Standard Time": "America/Los_Angeles", "US Mountain Standard Time": "America/Phoenix", "Mountain Standard Time": "America/Denver", "Central Standard Time": "America/Chicago",
		"Canada Central Standard Time": "America/Regina", "Central America Standard Time": "America/Guatemala", "Central Standard Time (Mexico)": "America/Mexico_City",
		"Eastern Standard Time": "America/New_York", "US Eastern Standard Time": "America/Indianapolis", "SA Pacific Standard Time": "America/Bogota", "Venezuela Standard Time": "America/Caracas",
		"Atlantic Standard Time": "America/Halifax", "SA Western Standard Time": "America/La_Paz", "Pacific SA Standard Time": "America/Santiago", "Paraguay Standard Time": "America/Asuncion",
		"Newfoundland Standard Time": "America/St_Johns", "E. South America Standard Time": "America/Sao_Paulo", "Argentina Standard Time": "America/Buenos_Aires",
		"SA Eastern Standard Time": "America/Cayenne", "Montevideo Standard Time": "America/Montevideo", "Azores Standard Time": "Atlantic/Azores", "Morocco Standard Time": "Africa/Casablanca",
	}[name]
}
