package catalogue

import "strings"

// accessEvent is a row: an event of event_type ACCESS.
type accessEvent struct {
	typ, action, message, description string
	// ours: the action is not public at Genea.
	ours bool
	// about is what the sample is about besides the controller.
	about subject
	// info is the sample's additional_info.
	info any
}

// subject is what a sample's event is about.
type subject uint8

const (
	aboutCard subject = iota
	aboutDoor
	aboutPanel
	aboutOperator
)

func accessEvents() []accessEvent {
	list := []accessEvent{{typ: "access.granted", action: "SEQUR_ACCESS_GRANTED", message: "Access Granted",
		description: "Somebody was let in: by card, phone or code, or because the door was unlocked anyway."}}
	for _, d := range denials {
		list = append(list, accessEvent{typ: "access.denied." + strings.ToLower(d.code), action: deniedPrefix + d.code,
			message: "Access Denied: " + words(d.code), description: "Somebody was not let in: " + d.reason + "."})
	}
	return append(list, otherAccess...)
}

const (
	grantedUnlocked = "SEQUR_ACCESS_GRANTED_ACCESS_POINT_UNLOCKED"
	deniedPrefix    = "SEQUR_ACCESS_DENIED_"
	antiPassback    = "ANTI_PASSBACK_VIOLATION"
)

// denials are Genea's reason codes; the lower-case "code" is theirs.
var denials = []struct{ code, reason string }{
	{"ACCESS_POINT_LOCKED", "the door is locked for everybody"},
	{"AFTER_EXPIRATION_DATE", "the card has expired"},
	{"AIRLOCK", "another door of the same airlock is open"},
	{antiPassback, "the card was last used in the same direction"},
	{"AREA_NOT_ENABLED", "the area behind the door is closed"},
	{"BEFORE_ACTIVATION_DATE", "the card is not valid yet"},
	{"CARD_NOT_FOUND", "the controller does not know the card"},
	{"COUNT_EXCEEDED", "too many tries"},
	{"DEACTIVATED_CARD", "the card was deactivated"},
	{"DURESS_code_DETECTED", "the code that is entered under threat was entered"},
	{"ELEVATOR_FLOOR", "the elevator floor that was chosen is not allowed"},
	{"ELEVATOR_FLOOR_UNAUTHORIZED", "the card has no elevator floor"},
	{"ELEVATOR_TIMEOUT", "no elevator floor was chosen in time"},
	{"ELEVATOR_UNKNOWN_ERROR", "the elevator reported an unknown error"},
	{"HOST_APPROVAL_DENIED", "the host, asked for approval, denied it"},
	{"HOST_APPROVAL_TIMEOUT", "the host, asked for approval, did not answer in time"},
	{"INCOMPLETE_CARD_PIN_SEQ", "the PIN that belongs to the card was not entered"},
	{"INVALID_FACILITY_code", "the card has another facility's code"},
	{"INVALID_FORMAT", "the card's format is not known"},
	{"INVALID_ISSUE_code", "the card has an issue code that is no longer valid"},
	{"INVALID_PIN", "the PIN is wrong"},
	{"INVALID_TIME", "outside of the hours that the card is valid in"},
	{"NO_DOOR_ACCESS", "the card is not for this door"},
	{"NO_ESCORT_CARD", "no escort's card followed"},
	{"NO_SECOND_CARD", "the second card that the door asks for did not follow"},
	{"OCCUPANCY_LIMIT_REACHED", "the area is full"},
	{"UNAUTHORIZED_ASSETS", "an asset was carried that the card is not for"},
	{"USE_LIMIT", "the card was used as often as it may be"},
}

var otherAccess = []accessEvent{
	{typ: "access.anti_passback_violation", action: deniedPrefix + antiPassback, message: "Anti-Passback Violation",
		description: "A card was used twice in the same direction, whether it was let in or not. Where it was not, a producer may publish access.denied.anti_passback_violation instead."},

	{typ: "door.forced_open", action: sensorAlarm, message: "Door Forced Open", about: aboutDoor,
		info: positions{nowOpen, neverOpen}, description: "A door was opened without access granted."},
	{typ: "door.secured", action: "SEQUR_DOOR_POSITION_SENSOR_SECURE", message: "Door Secured", about: aboutDoor,
		info: positions{wasOpen, neverOpen}, description: "A door that was forced or held open is closed again; additional_info tells which."},
	{typ: "door.held_open", action: sensorAlarm, message: "Door Held Open", about: aboutDoor,
		info: positions{neverOpen, nowOpen}, description: "A door stayed open for longer than it may."},
	{typ: "door.forced_and_held_open", action: sensorAlarm, message: "Door Forced and Held Open", about: aboutDoor,
		info: positions{stillOpen, nowOpen}, description: "A door was forced open and stays open."},
	{typ: "door.unlocked", action: "SEQUR_DOOR_ACCESS_MODE_UNLOCKED", message: "Door Access Mode: Unlocked", about: aboutDoor,
		description: "A door went into the mode in which it is unlocked."},
	{typ: "door.card_only", action: "SEQUR_DOOR_ACCESS_MODE_CARD_ONLY", message: "Door Access Mode: Card Only", about: aboutDoor,
		description: "A door went into the mode in which it opens to cards."},
	{typ: "door.reader_status", action: "OSDP_READER_ONLINE_STATUS_UPDATE", message: "OSDP Reader Online Status Update", about: aboutDoor,
		description: "A reader went online or offline."},

	{typ: "control_point.activated", action: "SEQUR_CONTROL_POINT_ACTIVATED", message: "Control Point Activated", ours: true, about: aboutPanel,
		description: "An output, such as a siren or a gate, was switched on."},
	{typ: "control_point.deactivated", action: "SEQUR_CONTROL_POINT_DEACTIVATED", message: "Control Point Deactivated", ours: true, about: aboutPanel,
		description: "An output was switched off."},
	{typ: "control_point.fault", action: "SEQUR_CONTROL_POINT_FAULT", message: "Control Point Fault", ours: true, about: aboutPanel,
		description: "An output does not answer or is wired wrongly."},
	{typ: "monitor_point.secured", action: "SEQUR_MONITOR_POINT_SECURE", message: "Monitor Point Secure", ours: true, about: aboutPanel,
		description: "An input, such as a motion or tamper contact, is at rest again."},
	{typ: "monitor_point.alarm", action: "SEQUR_MONITOR_POINT_ALARM", message: "Monitor Point Alarm", ours: true, about: aboutPanel,
		description: "An input raised an alarm."},
	{typ: "monitor_point.fault", action: "SEQUR_MONITOR_POINT_FAULT", message: "Monitor Point Fault", ours: true, about: aboutPanel,
		description: "An input's line is cut or shorted."},
	{typ: "interface_panel.online", action: "SEQUR_INTERFACE_PANEL_ONLINE", message: "Interface Panel Online", ours: true, about: aboutPanel,
		description: "A panel between the controller and its readers answers again."},
	{typ: "interface_panel.offline", action: "SEQUR_INTERFACE_PANEL_OFFLINE", message: "Interface Panel Offline", ours: true, about: aboutPanel,
		description: "A panel does not answer its controller."},
	{typ: "schedule.activated", action: "SEQUR_SCHEDULE_ACTIVE", message: "Schedule Active", ours: true, about: aboutPanel,
		description: "The hours of a schedule began."},
	{typ: "schedule.deactivated", action: "SEQUR_SCHEDULE_INACTIVE", message: "Schedule Inactive", ours: true, about: aboutPanel,
		description: "The hours of a schedule ended."},
	{typ: "remote_operation.access_granted", action: "SEQUR_REMOTE_ACCESS_GRANTED", message: "Access Granted Remotely", ours: true, about: aboutOperator,
		description: "Somebody at a screen let somebody in."},
	{typ: "remote_operation.door_unlocked", action: "SEQUR_REMOTE_DOOR_UNLOCKED", message: "Door Unlocked Remotely", ours: true, about: aboutOperator,
		description: "Somebody at a screen unlocked a door."},
	{typ: "remote_operation.door_locked", action: "SEQUR_REMOTE_DOOR_LOCKED", message: "Door Locked Remotely", ours: true, about: aboutOperator,
		description: "Somebody at a screen locked a door."},
	{typ: "remote_operation.alarm_acknowledged", action: "SEQUR_REMOTE_ALARM_ACKNOWLEDGED", message: "Alarm Acknowledged", ours: true, about: aboutOperator,
		description: "Somebody at a screen acknowledged an alarm."},
	{typ: "remote_operation.door_use_not_verified", action: "SEQUR_HOST_INITIATED_REQUEST_DOOR_USE_NOT_VERIFIED", message: "Host Initiated Request: Door Use Not Verified", about: aboutOperator,
		description: "A door was released from a screen; whether anybody went through is not known."},
}

// Genea tells by additional_info whether a door was forced, held, or both.
const (
	sensorAlarm = "SEQUR_DOOR_POSITION_SENSOR_ALARM"

	neverOpen = "Prior : No, Current : No"
	nowOpen   = "Prior : No, Current : Yes"
	stillOpen = "Prior : Yes, Current : Yes"
	wasOpen   = "Prior : Yes, Current : No"
)

type positions struct {
	Forced string `json:"Forced Open State"`
	Held   string `json:"Held Open State"`
}

// words makes "Invalid Facility Code" of INVALID_FACILITY_code.
func words(code string) string {
	list := strings.Split(strings.ToLower(code), "_")
	for i, word := range list {
		switch word {
		case "pin":
			list[i] = "PIN"
		default:
			list[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(list, " ")
}
